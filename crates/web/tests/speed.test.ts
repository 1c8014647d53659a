// How fast the explorer is: printed, because no time is a reason to fail here.

import { join } from "node:path";
import { after, test } from "node:test";
import { ae, closeBrowser, explored, folder, shown, trained, writeNpy } from "./browser.js";

const files = folder();
after(closeBrowser);

test("a map of 60,000 rows is moved", async t => {
  const model = trained(files, "digits", "--epochs", "5");
  ae("generate", model, "-n", "60000", "-o", join(files, "many.npy"));
  const page = await explored(t, model, join(files, "many.npy"));
  // The map of neighbours is being computed by the same processor until it is offered.
  await page.locator("#projection option").nth(1).waitFor({ state: "attached", timeout: 120_000 });
  const { frames, seconds, drawing } = await page.evaluate(async () => {
    const { ready } = await import(String(new URL("main.js", location.href))) as typeof import("../page/main.js");
    const { session, map } = await ready;
    const frames = 120;
    let drawing = 0;
    const began = performance.now();
    for (let frame = 0; frame < frames; frame++) {
      map.pan(Math.cos(frame / 10) * 6, Math.sin(frame / 10) * 6);
      await session.settled();
      drawing += session.took;
    }
    return { frames, seconds: (performance.now() - began) / 1000, drawing };
  });
  console.log(`panning 60,000 rows: ${(frames / seconds).toFixed(1)} frames a second, ${(drawing / frames).toFixed(1)} ms of work a frame`);
});

test("a slider of a 784-512-256-32 network is moved", async t => {
  const images = Uint8Array.from({ length: 300 * 784 }, (_, at) => (at * 2654435761 >>> 24) & 255);
  writeNpy(join(files, "images.npy"), [300, 28, 28], images);
  const model = trained(files, join(files, "images.npy"), "--net", "mlp:512,256", "--latent", "32", "--epochs", "1");
  const page = await explored(t, model, join(files, "images.npy"));
  const slider = page.locator("#sliders input").first();
  await slider.focus();
  const times = [];
  for (let step = 0; step < 60; step++) {
    await page.keyboard.press(step % 20 < 10 ? "ArrowRight" : "ArrowLeft");
    times.push((await shown(page)).took);
  }
  times.sort((a, b) => a - b);
  console.log(`decoding and painting 784-512-256-32: ${(times[30] as number).toFixed(1)} ms in the middle, ${(times[57] as number).toFixed(1)} ms for the slowest but two`);
});
