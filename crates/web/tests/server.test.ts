// The explorer's server: who is answered, and what is refused.

import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { folder, refused, served, trained, writeNpy } from "./browser.js";

const files = folder();
const digits = (): string => trained(files, "digits", "--epochs", "2");

/** Status, headers and words of an answer; the path goes out as it is. */
async function answer(url: string, path: string, { method = "GET", host }: { method?: string; host?: string } = {}): Promise<{ status: number | undefined; headers: Record<string, unknown>; words: string }> {
  const { hostname, port } = new URL(url);
  return await new Promise((done, failed) => {
    const asked = request({ hostname, port, path, method, ...(host && { headers: { host } }) }, response => {
      let words = "";
      response.setEncoding("latin1").on("data", part => { words += part; }).on("end", () => done({ status: response.statusCode, headers: response.headers, words }));
    });
    asked.on("error", failed).end();
  });
}

test("the server answers on this machine alone, with a policy that lets nothing in from elsewhere", async t => {
  const url = await served(t, digits(), "digits");
  assert.equal(new URL(url).hostname, "127.0.0.1");
  const page = await answer(url, "/");
  assert.equal(page.status, 200);
  assert.match(page.words, /<title>Explorer<\/title>/);
  const policy = String(page.headers["content-security-policy"]);
  assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/);
  assert.ok(!policy.includes("unsafe-inline") && !policy.includes("'unsafe-eval'") && !policy.includes("*"), policy);
  assert.equal(page.headers["x-content-type-options"], "nosniff");
  assert.equal((await answer(url, "/model_bg.wasm")).headers["content-type"], "application/wasm");
  for (const path of ["/../Cargo.toml", "/..%2f..%2fetc/passwd", "//etc/passwd", "/SOURCES.sha256", "/nothing"]) assert.equal((await answer(url, path)).status, 404, path);
  assert.equal((await answer(url, "/", { method: "POST" })).status, 405);
  // A page of elsewhere whose name leads to this machine says its own name.
  for (const host of ["example.org", "example.org:80", "127.0.0.1:1", "127.0.0.1"]) assert.equal((await answer(url, "/scene.json", { host })).status, 403, host);
  assert.equal((await answer(url, "/scene.json", { host: `localhost:${new URL(url).port}` })).status, 200);
});

test("what cannot be explored is refused in plain words", async t => {
  const model = digits();
  const url = await served(t, model, "digits");
  assert.match(refused("explore", model, "digits", "--no-browser", "--port", new URL(url).port), /port is \d+; wanted one that is free/);
  writeNpy(join(files, "other.npy"), [20, 5], new Float32Array(100));
  assert.match(refused("explore", model, join(files, "other.npy"), "--no-browser"), /got 5 columns, wanted 8x8 grey image, as in training/);
  assert.match(refused("explore", model, "digits", "--no-browser", "--label", "nothing"), /label|column/);
  const silent = trained(files, "digits", "--epochs", "1", "--density", "none");
  assert.match(refused("explore", silent, "--no-browser"), /wanted rows to show, as in `ae explore/);
});
