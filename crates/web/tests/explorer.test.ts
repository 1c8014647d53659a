// The explorer in a real browser: what is shown is what the command computes, and hands reach everything.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { ae, blank, closeBrowser, explored, folder, marked, near, picture, pixels, readNpy, refused, served, shown, trained, writeNpy } from "./browser.js";

const files = folder();
const digits = (...words: string[]): string => trained(files, "digits", "--epochs", "5", ...words);

/** What the command decodes a code to. */
function decoded(model: string, code: number[]): Float32Array {
  writeNpy(join(files, "code.npy"), [1, code.length], Float32Array.from(code));
  ae("decode", model, join(files, "code.npy"), "-o", join(files, "row.npy"), "--force");
  return readNpy(join(files, "row.npy"));
}

after(closeBrowser);

test("the page shows all rows on a map and the first of them beside it", async t => {
  const page = await explored(t, digits(), "digits");
  assert.match(await page.title(), /plain.*on digits|epochs.*on digits/);
  const { row, input, output } = await shown(page);
  assert.equal(row, 0);
  assert.equal(input?.length, 64);
  assert.equal(output.length, 64);
  // Some 1,797 dots of several pixels each, fewer where they cover each other.
  assert.ok(await marked(page, "#points") > 5000);
  for (const figure of ["input", "given back", "difference"]) assert.ok(await marked(page, `[data-name="${figure}"] canvas`) > 5, figure);
  assert.match(await page.textContent("#now-words") ?? "", /^Row 1, label 0, mean squared error/);
});

test("a slider moves one unit, and the pixels are those of the code", async t => {
  const model = digits();
  const page = await explored(t, model, "digits");
  const before = await pixels(page, '[data-name="given back"] canvas');
  const was = await shown(page);
  const slider = page.locator("#sliders input").nth(3);
  await slider.focus();
  for (let step = 0; step < 40; step++) await page.keyboard.press("ArrowRight");
  const now = await shown(page);
  const moved = now.code.flatMap((value, unit) => value === was.code[unit] ? [] : [unit]);
  assert.deepEqual(moved, [3]);
  assert.ok((now.code[3] as number) > (was.code[3] as number));
  near(now.output, decoded(model, now.code), "a decoded slider");
  const after = await pixels(page, '[data-name="given back"] canvas');
  assert.notDeepEqual(after, before);
  // Digits go from 0, black, to 16, white.
  const grey = now.output.map(value => Math.floor(Math.min(1, Math.max(0, value / 16)) * 255 + 0.5));
  assert.deepEqual(after.filter((_, at) => at % 4 === 0), grey);
});

test("dragging over the map decodes every place on the way", async t => {
  const model = digits();
  const page = await explored(t, model, "digits");
  const box = await page.locator("#marks").boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 60, box.y + 60);
  await page.mouse.down();
  const codes = [];
  for (const step of [100, 160, 220]) {
    await page.mouse.move(box.x + step, box.y + step);
    codes.push(await shown(page));
  }
  await page.mouse.up();
  for (const { code, output, row, input } of codes) {
    assert.equal(row, null);
    assert.equal(input, null);
    near(output, decoded(model, code), "a decoded place");
  }
  assert.notDeepEqual(codes[0]?.code, codes[2]?.code);
});

test("the keyboard goes over the map, and Enter shows the nearest row", async t => {
  const page = await explored(t, digits(), "digits");
  const before = await shown(page);
  await page.locator("#marks").focus();
  await page.keyboard.press("ArrowRight");
  const moved = await shown(page);
  assert.equal(moved.row, null);
  assert.notDeepEqual(moved.code, before.code);
  await page.keyboard.press("Enter");
  assert.notEqual((await shown(page)).row, null);
});

test("a dropped image becomes the input and is given back as the command does", async t => {
  const model = digits();
  const page = await explored(t, model, "digits");
  await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(8, 8);
    const pen = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
    pen.fillRect(0, 0, 8, 8);
    pen.fillStyle = "rgb(255 255 255)";
    pen.fillRect(3, 1, 2, 6);
    const transfer = new DataTransfer();
    transfer.items.add(new File([await canvas.convertToBlob()], "one.png", { type: "image/png" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await page.locator("#now-words", { hasText: "An input of your own" }).waitFor();
  const { input, code, output } = await shown(page);
  assert.ok(input);
  assert.ok(Math.abs((input[8 + 3] as number) - 16) < 1e-4 && input[0] === 0, String(input));
  writeNpy(join(files, "drop.npy"), [1, 8, 8], Float32Array.from(input));
  ae("reconstruct", model, join(files, "drop.npy"), "-o", join(files, "back.npy"), "--force");
  near(output, readNpy(join(files, "back.npy")), "a dropped image");
  ae("encode", model, join(files, "drop.npy"), "-o", join(files, "codes.npy"), "--force");
  near(code, readNpy(join(files, "codes.npy")), "its code");
  await page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["no image"], "words.png"));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
  });
  await page.getByText("words.png is no image that this browser can read").waitFor();
});

test("drawing on the input changes it", async t => {
  const page = await explored(t, digits(), "digits");
  await page.getByRole("button", { name: "Blank sheet" }).click();
  assert.ok((await shown(page)).input?.every(value => value === 0));
  const box = await page.locator('[data-name="input"] canvas').boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 70, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 70, box.y + 120, { steps: 8 });
  await page.mouse.up();
  const { input } = await shown(page);
  assert.ok(input && input.filter(value => value > 8).length >= 5, String(input));
});

test("every family and network gives the codes of the command", async t => {
  for (const words of [["--family", "vae"], ["--family", "sparse", "--latent", "20"], ["--net", "conv:4,8"], ["--family", "contractive", "--activation", "tanh"], ["--net", "linear"], ["--scale", "standard"]]) {
    const model = digits(...words);
    const page = await explored(t, model, "digits");
    const codes = await page.evaluate(async () => {
      const { ready } = await import(String(new URL("main.js", location.href))) as typeof import("../page/main.js");
      const { session: { explorer } } = await ready;
      return Array.from({ length: 40 }, (_, row) => [Array.from(explorer.encode(explorer.row(row))), Array.from(explorer.code(row))]);
    });
    for (const [row, [here, command]] of codes.entries()) near(here as number[], command as number[], `${words.join(" ")}, row ${row}`);
    const { code, output } = await shown(page);
    near(output, decoded(model, code), words.join(" "));
      }
});

test("noise is put on the input, and the code is that of the noisy one", async t => {
  const page = await explored(t, digits("--family", "denoising"), "digits");
  const before = await shown(page);
  assert.deepEqual(before.seen, before.input);
  await page.getByLabel("Noise", { exact: true }).check();
  const noisy = await shown(page);
  assert.deepEqual(noisy.input, before.input);
  assert.notDeepEqual(noisy.seen, noisy.input);
  assert.notDeepEqual(noisy.code, before.code);
  await page.getByRole("button", { name: "Other noise" }).click();
  assert.notDeepEqual((await shown(page)).seen, noisy.seen);
});

test("a lasso and a label select rows, and what they share is said", async t => {
  const page = await explored(t, digits(), "digits");
  const box = await page.locator("#marks").boundingBox();
  assert.ok(box);
  await page.getByLabel("Lasso").check();
  const corners = [[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]].map(([x, y]) => [box.x + box.width * (x as number), box.y + box.height * (y as number)] as const);
  await page.mouse.move(...(corners[0] as readonly [number, number]));
  await page.mouse.down();
  for (const corner of corners.slice(1)) await page.mouse.move(...corner, { steps: 4 });
  await page.mouse.up();
  const some = (await shown(page)).selected.length;
  assert.ok(some > 50 && some < 1797, String(some));
  await page.getByText(`${some.toLocaleString("en")} rows selected`).waitFor();
  await page.locator("#legend button").nth(3).click();
  // The digits have 183 threes.
  assert.equal((await shown(page)).selected.length, 183);
  assert.match(await page.textContent("#selection-words") ?? "", /Labels: 3 100 %.*Unit \d is/);
  await page.getByRole("button", { name: "Clear the selection" }).click();
  assert.equal((await shown(page)).selected.length, 0);
});

test("a walk goes from one row to another, straight and along an arc", async t => {
  const page = await explored(t, digits("--family", "vae"), "digits");
  const ends = [];
  for (const [row, button] of [["5", /^From/], ["9", /^To/]] as const) {
    await page.getByLabel("Row", { exact: true }).fill(row);
    await page.getByLabel("Row", { exact: true }).press("Enter");
    ends.push((await shown(page)).code);
    await page.getByRole("button", { name: button }).click();
  }
  const share = page.getByLabel("Share of the way");
  await share.fill("0.5");
  const [from = [], to = []] = ends;
  near((await shown(page)).code, from.map((value, unit) => (value + (to[unit] as number)) / 2), "the middle");
  const straight = (await shown(page)).code;
  await page.locator("#way").selectOption("arc");
  assert.notDeepEqual((await shown(page)).code, straight);
  await share.fill("1");
  near((await shown(page)).code, to, "the end");
  const random = page.getByRole("button", { name: "Random code" });
  await random.click();
  const first = (await shown(page)).code;
  await random.click();
  assert.notDeepEqual((await shown(page)).code, first);
});

test("what excites units, the filters and the tree of a convolution are there", async t => {
  const page = await explored(t, digits("--net", "conv:4,8"), "digits");
  await page.locator("#exciting button").nth(7).waitFor();
  assert.equal(await page.locator("#exciting button").count(), 8);
  assert.ok(await marked(page, "#exciting button:nth-child(3) canvas:nth-child(1)") > 20);
  await page.locator("#exciting button").nth(2).click();
  // The map follows with the next picture.
  await page.waitForFunction(() => (document.getElementById("colour") as HTMLSelectElement).value === "unit 2");
  assert.ok(await page.locator("#filter-groups canvas").count() >= 4);
  await page.locator("#tree").scrollIntoViewIfNeeded();
  await page.waitForFunction(() => (document.getElementById("branches") as HTMLCanvasElement).height > 300);
  await shown(page);
  let before = await picture(page, "#branches");
  await page.evaluate(async () => {
    const { ready } = await import(String(new URL("main.js", location.href))) as typeof import("../page/main.js");
    const { session } = await ready;
    session.showCode(session.code.map(value => value + 2), true);
  });
  await shown(page);
  assert.notEqual(await picture(page, "#branches"), before);
  assert.match(await page.textContent("#now-words") ?? "", /its code changed by hand/);
  before = await picture(page, "#branches");
  assert.ok(await marked(page, "#branches") > 20_000);
  await page.getByRole("button", { name: "Next row" }).click();
  // The button is far above: the tree is drawn again when it is back in sight.
  await page.locator("#tree").scrollIntoViewIfNeeded();
  await page.waitForFunction(before => (document.getElementById("branches") as HTMLCanvasElement).toDataURL() !== before, before);
});

test("rows with similar codes stand together on the other map, and dragging goes from row to row", async t => {
  const page = await explored(t, digits(), "digits");
  await page.locator("#projection option").nth(1).waitFor({ state: "attached", timeout: 60_000 });
  await page.locator("#projection").selectOption("1");
  await shown(page);
  assert.ok(await marked(page, "#points") > 5000);
  const box = await page.locator("#marks").boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 200, box.y + 200);
  await page.mouse.down();
  await page.mouse.move(box.x + 260, box.y + 260, { steps: 3 });
  assert.notEqual((await shown(page)).row, null);
  await page.mouse.up();
});

test("names from the data are words, never code", async t => {
  const names = ["<script>document.title='run'</script>", "<img src=x onerror=document.title='run'>", "c", "d"];
  const lines = Array.from({ length: 60 }, (_, row) => [row % 7, (row * 3) % 11, row % 5, row % 3, row % 2 ? "<b onclick=alert(1)>odd</b>" : "'\"&"].join(","));
  const table = join(files, "table.csv");
  writeFileSync(table, [[...names, "kind"].join(","), ...lines].join("\n"));
  const model = trained(files, table, "--label", "kind", "--latent", "2", "--epochs", "3");
  const page = await explored(t, model, table, "--label", "kind");
  await page.getByText(names[0] as string).first().waitFor();
  await page.getByText("<b onclick=alert(1)>odd</b>").first().waitFor();
  assert.equal(await page.locator("script").count(), 1);
  assert.equal(await page.locator("img, b").count(), 0);
  assert.match(await page.title(), /on table\.csv$/);
  const before = await shown(page);
  await page.locator("#table input").nth(2).fill("40");
  const after = await shown(page);
  assert.equal(after.input?.[2], 40);
  assert.notDeepEqual(after.code, before.code);
  assert.match(await page.textContent("#now-words") ?? "", /An input of your own.*larger than that of 100 % of the rows/);
});

test("the words, dates and gaps of a table are shown as such, and chosen among", async t => {
  const lines = Array.from({ length: 120 }, (_, row) => {
    const warm = Math.sin(row * 1.7);
    const kind = warm > 0.3 ? "<b>valve</b>" : warm > -0.3 ? "pump" : "fan";
    return [`2024-01-${String(1 + row % 28).padStart(2, "0")}`, kind, row % 9 === 4 ? "" : (60 + 5 * warm).toFixed(2), warm > 0].join(",");
  });
  const table = join(files, "machines.csv");
  writeFileSync(table, ["seen,kind,temperature,open", ...lines].join("\n"));
  const model = trained(files, table, "--latent", "3", "--epochs", "20");
  const page = await explored(t, model, table);
  const before = await shown(page);
  const kind = page.locator("#table select").first();
  const kinds = new Set(lines.map(line => line.split(",")[1] as string));
  assert.deepEqual(await kind.locator("option").allTextContents(), [...kinds, "(other)"]);
  await kind.selectOption({ label: "(other)" });
  const after = await shown(page);
  assert.equal(after.input?.[1], 3);
  assert.notDeepEqual(after.code, before.code);
  assert.match(await page.locator("#table input").first().inputValue(), /^2024-01-\d\dT00:00$/);
  assert.match(await page.locator("#table tbody tr").nth(3).locator("td").nth(1).textContent() ?? "", /^(true|false)$/);
  assert.equal(await page.locator("b").count(), 0);
});

test("a series is drawn as a curve, and drawing on it changes it", async t => {
  const rows = Float32Array.from({ length: 80 * 48 }, (_, at) => Math.sin((at % 48) / 5 + Math.floor(at / 48)));
  const series = join(files, "series.npy");
  writeNpy(series, [80, 48, 1], rows);
  const model = trained(files, series, "--latent", "3", "--epochs", "4");
  const page = await explored(t, model, series);
  const before = await shown(page);
  assert.ok(await marked(page, "#curve") > 1000);
  const box = await page.locator("#curve").boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 40, box.y + 40, { steps: 3 });
  await page.mouse.up();
  const after = await shown(page);
  assert.equal(after.row, null);
  const changed = after.input?.filter((value, at) => value !== before.input?.[at]).length ?? 0;
  assert.ok(changed > 1 && changed < 20, String(changed));
});

test("rows that are all the same, or one alone, are shown without a map of neighbours", async t => {
  const model = digits();
  for (const count of [1, 30]) {
    const rows = join(files, `same${count}.npy`);
    writeNpy(rows, [count, 8, 8], new Uint8Array(count * 64).fill(3));
    const page = await explored(t, model, rows);
    assert.equal(await page.locator("#projection option").count(), 1);
    assert.match(await page.textContent("#now-words") ?? "", /larger than that of 0 % of the rows/);
    await page.getByLabel("Row", { exact: true }).fill("77");
    await page.getByLabel("Row", { exact: true }).press("Enter");
    await page.getByText(`There is no row 77 here; wanted 1 to ${count}.`).waitFor();
  }
});

test("a model without rows shows rows that it draws", async t => {
  const page = await explored(t, digits("--family", "vae"));
  assert.match(await page.title(), /rows it drew itself/);
  assert.match(await page.textContent("#map-words") ?? "", /^2,000 rows/);
});

test("everything that can be reached has a name for those who do not see it", async t => {
  const page = await explored(t, digits("--net", "conv:4,8", "--family", "denoising"), "digits");
  await page.locator("#exciting button").nth(7).waitFor();
  const nameless = await page.evaluate(() => {
    const named = (element: Element): boolean => {
      const labels = element instanceof HTMLInputElement || element instanceof HTMLSelectElement ? Array.from(element.labels ?? []) : [];
      return [element.getAttribute("aria-label"), element.textContent, ...labels.map(label => label.textContent)].some(name => (name ?? "").trim() !== "");
    };
    const hands = Array.from(document.querySelectorAll("button, input, select, [tabindex]")).filter(element => !named(element));
    const pictures = Array.from(document.querySelectorAll("#pictures canvas, #branches")).filter(canvas => !canvas.getAttribute("aria-label") || canvas.getAttribute("role") !== "img");
    return [...hands, ...pictures].map(element => element.outerHTML.slice(0, 120));
  });
  // A tree names its maps when it has been drawn.
  assert.deepEqual(nameless.filter(html => !html.includes("branches")), []);
});

test("a browser without vectors is told what is missing", async t => {
  const page = await blank(t);
  await page.addInitScript(() => { WebAssembly.validate = () => false; });
  await page.goto(await served(t, digits(), "digits"));
  await page.getByText("This browser has no WebAssembly with vectors").waitFor();
  assert.ok(await page.locator("#main").isHidden());
});

test("a folder of files works from any web server", async t => {
  const page = await blank(t);
  const out = join(files, "static");
  ae("explore", digits(), "digits", "-o", out);
  const kinds: Record<string, string> = { html: "text/html", js: "text/javascript", css: "text/css", wasm: "application/wasm" };
  const server = createServer((request, response) => {
    const name = (request.url ?? "/").slice(1) || "index.html";
    response.setHeader("content-type", kinds[name.split(".").pop() ?? ""] ?? "application/octet-stream");
    response.end(readFileSync(join(out, name)));
  });
  await new Promise<void>(done => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address && typeof address === "object");
  await page.goto(`http://127.0.0.1:${address.port}/`);
  await page.locator("#main").waitFor({ state: "visible" });
  assert.equal((await shown(page)).row, 0);
  assert.match(refused("explore", digits(), "digits", "-o", out), /holds files already/);
});
