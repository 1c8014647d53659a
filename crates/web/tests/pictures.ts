// Makes the pictures of the documentation: `npm run pictures`, with AE_DATA. No test.

import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { pathToFileURL } from "node:url";
import { ae, browse, closeBrowser, start } from "./browser.js";

const data = process.env["AE_DATA"];
if (!data) throw new Error("AE_DATA names the folder of real data; see docs/pictures/README.md");
const pictures = resolve("../../docs/pictures");
const models = resolve("../../target/pictures");
mkdirSync(models, { recursive: true });

/** A model, trained once. */
function model(name: string, rows: string, ...words: string[]): string {
  const file = join(models, `${name}.ae`);
  if (!existsSync(file)) ae("train", rows, "-o", file, "--quiet", ...words);
  return file;
}

/** A picture of an explorer, after something was done in it. */
async function explorer(picture: string, words: string[], act: (page: Page) => Promise<void>, { dark = false, part = "" } = {}): Promise<void> {
  const { url, process } = await start(...words);
  const page = await (await browse()).newPage({ viewport: { width: 1360, height: 1040 }, colorScheme: dark ? "dark" : "light" });
  await page.goto(url);
  await page.locator("#main").waitFor();
  await page.locator("#projection option").nth(1).waitFor({ state: "attached", timeout: 120_000 });
  await page.waitForFunction(() => document.getElementById("units")?.hidden || document.querySelector("#exciting button"), null, { timeout: 120_000 });
  await act(page);
  await page.waitForTimeout(500);
  const path = join(pictures, picture);
  await (part === "" ? page.screenshot({ path }) : page.locator(part).screenshot({ path }));
  await page.close();
  process.kill();
  console.log(picture);
}

async function row(page: Page, number: number): Promise<void> {
  await page.locator("#row").fill(String(number));
  await page.locator("#row").press("Enter");
}

const mnist = join(data, "mnist/train-images-idx3-ubyte.gz");
const labels = ["--labels", join(data, "mnist/train-labels-idx1-ubyte.gz")];
await explorer("explorer-mnist.png", [model("mnist", mnist, "--family", "denoising", "--net", "mlp:512,256", "--latent", "32", "--epochs", "12"), mnist, ...labels], async page => {
  await row(page, 8);
  await page.locator("#noise").check();
});
await explorer("explorer-convolution.png", [model("mnist-conv", mnist, "--net", "conv:16,32", "--latent", "16", "--epochs", "4"), mnist, ...labels], async page => {
  await row(page, 16);
  await page.locator("#tree").scrollIntoViewIfNeeded();
  await page.waitForFunction(() => (document.getElementById("branches")?.clientHeight ?? 0) > 500);
}, { part: "#tree" });
const fashion = join(data, "fashion-mnist/train-images-idx3-ubyte.gz");
await explorer("explorer-fashion.png", [model("fashion", fashion, "--family", "vae", "--net", "mlp:512,256", "--latent", "10", "--epochs", "10"), fashion, "--labels", join(data, "fashion-mnist/train-labels-idx1-ubyte.gz")], async page => {
  await page.locator("#projection").selectOption("1");
  await row(page, 5);
}, { dark: true });
const ecg = join(data, "ecg5000/ecg5000.npz");
await explorer("explorer-ecg.png", [model("ecg", `${ecg}:train_x`, "--latent", "8"), `${ecg}:test_x`], async page => {
  await row(page, 4);
  const box = await page.locator("#curve").boundingBox();
  if (!box) return;
  await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.6);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.55, box.y + box.height * 0.25, { steps: 5 });
  await page.mouse.up();
});
const table = `${join(data, "adbench/2_annthyroid.npz")}:X`;
await explorer("explorer-table.png", [model("table", table, "--latent", "3"), table], async page => {
  await page.locator("#colour").selectOption("error");
  await row(page, 13);
});
const report = join(models, "sparse.html");
ae("train", mnist, "-o", join(models, "sparse.ae"), "--force", "--quiet", "--family", "sparse", "--latent", "196", "--l2", "0.001", `--report=${report}`);
const page = await (await browse()).newPage({ viewport: { width: 1240, height: 900 } });
await page.goto(String(pathToFileURL(report)));
await page.locator("#filters").screenshot({ path: join(pictures, "report-filters.png") });
console.log("report-filters.png");
await closeBrowser();
