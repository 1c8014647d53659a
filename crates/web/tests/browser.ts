// What the tests share: the command, arrays in files, and a browser on an explorer.

import { chromium, type Browser, type Page } from "playwright-core";
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestContext } from "node:test";

/** The command under test. */
const AE = resolve(process.env["AE"] ?? "../../target/debug/ae");

/** A folder for the files of a test. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), "explorer-"));
}

/** Runs the command; it must end well. */
export function ae(...words: string[]): void {
  const { status, stderr } = spawnSync(AE, words, { encoding: "utf8" });
  assert.equal(status, 0, `ae ${words.join(" ")}: ${stderr}`);
}

/** Runs the command, which must refuse; gives what it says. */
export function refused(...words: string[]): string {
  const { status, stderr } = spawnSync(AE, words, { encoding: "utf8", timeout: 30_000 });
  assert.equal(status, 2, stderr);
  return stderr;
}

/** Trains a model and gives its file. */
export function trained(into: string, data: string, ...words: string[]): string {
  const model = join(into, `${words.join("_").replaceAll(/\W+/g, "_") || "plain"}.ae`);
  if (!existsSync(model)) ae("train", data, "-o", model, "--quiet", ...words);
  return model;
}

/** Writes an array of numbers as .npy. */
export function writeNpy(path: string, shape: number[], numbers: Float32Array | Uint8Array): void {
  const kind = numbers instanceof Uint8Array ? "|u1" : "<f4";
  const words = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = words.padEnd(64 * Math.ceil((words.length + 11) / 64) - 11) + "\n";
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  writeFileSync(path, Buffer.concat([start, Buffer.from(header, "latin1"), Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength)]));
}

/** Reads an array of single precision from .npy. */
export function readNpy(path: string): Float32Array {
  const bytes = readFileSync(path);
  const header = 10 + bytes.readUInt16LE(8);
  assert.match(bytes.toString("latin1", 10, header), /<f4/);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + header, bytes.byteOffset + bytes.length));
}

/** All numbers as near as single precision in another order of sums allows. */
export function near(got: ArrayLike<number>, wanted: ArrayLike<number>, what: string): void {
  assert.equal(got.length, wanted.length, what);
  let scale = 1;
  for (let at = 0; at < wanted.length; at++) scale = Math.max(scale, Math.abs(wanted[at] as number));
  for (let at = 0; at < wanted.length; at++) {
    const off = Math.abs((got[at] as number) - (wanted[at] as number));
    assert.ok(off <= 1e-5 * scale, `${what}, number ${at}: ${got[at]}, wanted ${wanted[at]}`);
  }
}

let browser: Browser | null = null;

/** The browser, started once. */
export async function browse(): Promise<Browser> {
  browser ??= await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = null;
}

/** Starts the server; gives its address. */
export async function start(...words: string[]): Promise<{ url: string; process: ChildProcess }> {
  const process = spawn(AE, ["explore", "--no-browser", ...words], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const url = await new Promise<string>((found, failed) => {
    process.stderr.on("data", data => { said += String(data); });
    process.stdout.on("data", data => {
      const match = /http:\/\/\S+/.exec(String(data));
      if (match) found(match[0]);
    });
    process.on("exit", code => failed(new Error(`ae explore ended with ${code}: ${said}`)));
  });
  return { url, process };
}

/** A server that lives as long as a test; gives its address. */
export async function served(t: TestContext, ...words: string[]): Promise<string> {
  const { url, process } = await start(...words);
  t.after(() => process.kill());
  return url;
}

/** An empty page of the browser, which may complain of nothing until the test ends. */
export async function blank(t: TestContext): Promise<Page> {
  const page = await (await browse()).newPage({ viewport: { width: 1400, height: 1000 } });
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  t.after(async () => {
    await page.close();
    assert.deepEqual(complaints, []);
  });
  page.on("console", message => {
    // What the tests do themselves to look at pixels.
    if (["error", "warning"].includes(message.type()) && !message.text().includes("willReadFrequently")) complaints.push(message.text());
  });
  page.on("pageerror", error => complaints.push(error.message));
  page.on("request", request => {
    if (!/^(http:\/\/127\.0\.0\.1:|data:|blob:)/.test(request.url())) complaints.push(`asks ${request.url()}`);
  });
  return page;
}

/** A browser on an explorer of a model on rows, loaded. */
export async function explored(t: TestContext, ...words: string[]): Promise<Page> {
  // The page first: what is cleaned up first is what was made first.
  const page = await blank(t);
  await page.goto(await served(t, ...words));
  await page.locator("#main").waitFor({ state: "visible", timeout: 60_000 });
  return page;
}

/** What the page shows, once everything that was wanted is on the screen. */
export interface Shown {
  row: number | null;
  code: number[];
  input: number[] | null;
  seen: number[] | null;
  output: number[];
  selected: number[];
  took: number;
}

export async function shown(page: Page): Promise<Shown> {
  return await page.evaluate(async () => {
    const { ready } = await import(String(new URL("main.js", location.href))) as typeof import("../page/main.js");
    const { session } = await ready;
    await session.settled();
    const list = (numbers: Float32Array | null): number[] | null => numbers && Array.from(numbers);
    return {
      row: session.row, code: Array.from(session.code), input: list(session.input), seen: list(session.seen),
      output: Array.from(session.output), selected: Array.from(session.selected), took: session.took,
    };
  });
}

/** How many pixels of a canvas are not as most of them. */
export async function marked(page: Page, canvas: string): Promise<number> {
  return await page.locator(canvas).evaluate(element => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext("2d");
    if (!context || canvas.width === 0 || canvas.height === 0) return 0;
    const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    const counts = new Map<number, number>();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    return pixels.length - Math.max(...counts.values());
  });
}

/** The pixels of a canvas. */
export async function pixels(page: Page, canvas: string): Promise<number[]> {
  return await page.locator(canvas).evaluate(element => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext("2d");
    return context ? Array.from(context.getImageData(0, 0, canvas.width, canvas.height).data) : [];
  });
}

/** A canvas as one word, to be compared. */
export async function picture(page: Page, canvas: string): Promise<string> {
  return await page.locator(canvas).evaluate(element => (element as HTMLCanvasElement).toDataURL());
}
