// What is shown, and the one way in which it changes: an action says what is wanted, the next frame computes it, views draw it.

import type { Explorer } from "./model.js";
import type { Scene } from "./scene.js";

/** What the model can do; the words of Explorer.facts. */
export interface Facts {
  height: number;
  width: number;
  channels: number;
  features: number;
  latent: number;
  corrupts: boolean;
  draws: boolean;
}

/** One unit of the code over all rows; the words of Explorer.units. */
export interface Unit {
  mean: number;
  deviation: number;
  range: [number, number];
  histogram: number[];
  state: "active" | "dead" | "saturated";
}

export class Session {
  readonly facts: Facts;
  readonly units: Unit[];
  /** The row that the input is, where it is one. */
  row: number | null = null;
  /** What is to be recreated; none where only a code is shown. */
  input: Float32Array | null = null;
  /** By which seed the input is corrupted, if it is. */
  noise: number | null = null;
  /** Whether the code was changed by hand since the input was encoded. */
  changed = false;
  /** How many rows, inputs and codes were asked for so far: a walk ends when somebody else asks. */
  turn = 0;
  /** The input as the encoder sees it. */
  seen: Float32Array | null = null;
  code: Float32Array;
  output: Float32Array;
  /** The squared error of each number of the input; none without an input. */
  errors: Float32Array | null = null;
  /** The rows between which the walk goes. */
  ends: [number | null, number | null] = [null, null];
  /** Rows that are selected on the map. */
  selected: Uint32Array = new Uint32Array();
  /** The unit that colours the map, where one does. */
  unit: number | null = null;
  /** How long the last frame took to compute and to draw, in milliseconds. */
  took = 0;

  private readonly views: (() => void)[] = [];
  private wanted: "nothing" | "decode" | "encode" = "nothing";
  private frame: Promise<void> | null = null;

  constructor(readonly explorer: Explorer, readonly scene: Scene, private readonly trouble: (error: unknown) => void) {
    this.facts = JSON.parse(explorer.facts()) as Facts;
    this.units = JSON.parse(explorer.units()) as Unit[];
    this.code = this.meanCode();
    this.output = explorer.decode(this.code);
  }

  /** Calls a view in each frame in which something changed. */
  onChange(view: () => void): void {
    this.views.push(view);
  }

  meanCode(): Float32Array {
    return Float32Array.from(this.units, unit => unit.mean);
  }

  /** Shows a row of the data. */
  showRow(row: number): void {
    this.row = row;
    this.input = this.explorer.row(row);
    this.want("encode");
  }

  /** Shows numbers that are no row of the data. */
  showInput(input: Float32Array): void {
    this.row = null;
    this.input = input;
    this.want("encode");
  }

  /** Shows what a code stands for; the input stays where the code is a change of its own code. */
  showCode(code: Float32Array, keepInput = false): void {
    this.code = code;
    this.changed = keepInput && this.input !== null;
    if (!keepInput) {
      this.row = null;
      this.input = null;
      this.seen = null;
    }
    this.want("decode");
  }

  showNoise(seed: number | null): void {
    this.noise = seed;
    this.want(this.input ? "encode" : "nothing");
  }

  select(rows: Uint32Array): void {
    this.selected = rows;
    this.want("nothing");
  }

  showUnit(unit: number | null): void {
    this.unit = unit;
    this.want("nothing");
  }

  setEnd(end: 0 | 1, row: number): void {
    this.ends[end] = row;
    this.want("nothing");
  }

  /** Whether a row is a picture or a curve: a table's columns have nothing to do with each other. */
  get drawn(): boolean {
    return this.facts.channels > 0 || this.scene.curve;
  }

  /** How a row is called. */
  nameOf(row: number): string {
    return this.scene.ids?.[row] ?? `row ${this.scene.numbers[row]}`;
  }

  /** The mean squared error of what is shown. */
  error(): number | null {
    return this.errors && this.errors.reduce((sum, error) => sum + error, 0) / this.errors.length;
  }

  /** When everything that is wanted so far is on the screen. */
  settled(): Promise<void> {
    return this.frame ?? Promise.resolve();
  }

  /** Draws again in the next frame. */
  again(): void {
    this.want("nothing");
  }

  private want(what: "nothing" | "decode" | "encode"): void {
    if (what !== "nothing") this.turn++;
    if (what === "encode" || this.wanted === "nothing") this.wanted = what;
    // A code that was chosen after an input is the one that counts.
    if (what === "decode") this.wanted = "decode";
    this.frame ??= new Promise(done => requestAnimationFrame(() => {
      this.frame = null;
      this.guarded(() => this.next());
      done();
    }));
  }

  private next(): void {
    const began = performance.now();
    const { explorer, input, wanted } = this;
    // What fails is not tried again by itself, and what was said of something else is over.
    this.wanted = "nothing";
    if (wanted !== "nothing") this.trouble(null);
    if (wanted === "encode" && input) {
      this.seen = this.noise === null ? input : explorer.corrupt(input, this.noise);
      const code = explorer.encode(this.seen);
      if (!code.every(Number.isFinite)) throw new Error("these numbers are too far from those of the training to have a code");
      this.code = code;
      this.changed = false;
    }
    if (wanted !== "nothing") {
      this.output = explorer.decode(this.code);
      this.errors = input && explorer.errors(input, this.output);
    }
    for (const view of this.views) view();
    this.took = performance.now() - began;
  }

  /** What fails is said on the page. */
  guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.trouble(error);
    }
  }
}
