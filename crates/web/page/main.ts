// The explorer: loads the model and the rows, and puts the views together.

import init, { Explorer } from "./model.js";
import { CodeMap } from "./map.js";
import { Now, selection } from "./now.js";
import { count, element } from "./page.js";
import * as files from "./scene.js";
import { Session } from "./session.js";
import { Sliders } from "./sliders.js";
import { tree } from "./tree.js";
import { exciting, filters } from "./units.js";

/** A module with one instruction on vectors: a browser that refuses it cannot run the model. */
const VECTORS = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

/** Says what went wrong, or that it is over. */
export function trouble(error: unknown): void {
  const place = element("trouble", HTMLElement);
  place.hidden = error === null;
  if (error !== null) place.textContent = error instanceof Error ? error.message : String(error);
}

async function start(): Promise<{ session: Session; map: CodeMap }> {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(VECTORS)) {
    throw new Error("This browser has no WebAssembly with vectors (SIMD), in which the model runs; use a version of 2023 or later of Chrome, Edge, Firefox or Safari.");
  }
  const scene = await files.scene();
  const title = `${scene.model} on ${scene.data}`;
  document.title = title;
  element("title", HTMLElement).textContent = title;
  const size = scene.rows * scene.features * (scene.bytes ? 1 : 4);
  element("facts", HTMLElement).textContent = `Loading ${count(scene.rows, "row")}, ${Math.ceil(size / 1e6)} MB.`;
  const [model, rows, codes] = await Promise.all([
    files.bytes("model.ae", null),
    files.bytes("rows.bin", size),
    files.bytes("codes.bin", 4 * scene.rows * scene.latent),
    init({ module_or_path: new URL("model_bg.wasm", import.meta.url) }),
  ]);
  const ends = Float32Array.from(scene.ends);
  const explorer = scene.bytes
    ? Explorer.ofBytes(new Uint8Array(model), new Uint8Array(rows), new Float32Array(codes), ends)
    : Explorer.ofNumbers(new Uint8Array(model), new Float32Array(rows), new Float32Array(codes), ends);
  element("facts", HTMLElement).textContent = scene.words;
  element("main", HTMLElement).hidden = false;
  const session = new Session(explorer, scene, trouble);
  const map = new CodeMap(session);
  new Now(session);
  const sliders = new Sliders(session);
  selection(session);
  filters(session);
  tree(session);
  session.showRow(0);
  later(session, map, sliders);
  return { session, map };
}

/** What takes long to compute comes when it is there. */
function later(session: Session, map: CodeMap, sliders: Sliders): void {
  const { scene } = session;
  const box = element("exciting", HTMLElement);
  element("units", HTMLElement).hidden = scene.exciting === 0;
  box.textContent = "These are being computed.";
  files.neighbours(scene).then(found => found && map.offer(found)).catch(trouble);
  files.exciting(scene).then(found => found && exciting(session, sliders, found)).catch(trouble);
}

/** The explorer once it is there. */
export const ready = start();
ready.catch(error => {
  element("facts", HTMLElement).textContent = "";
  trouble(error);
});
