// The code: a slider for each unit, and walks through it.

import { colour, element, fitted, make, onClick, short } from "./page.js";
import type { Session } from "./session.js";

/** Sliders on one page of them. */
const TOGETHER = 24;
/** Steps of a slider. */
const STEPS = 400;
/** How long a walk takes, in milliseconds. */
const WALK = 4000;

interface Slider {
  unit: number;
  input: HTMLInputElement;
  output: HTMLOutputElement;
}

export class Sliders {
  private readonly box = element("sliders", HTMLElement);
  /** Units, those that vary most first. */
  private readonly order: number[];
  private sliders: Slider[] = [];
  private seed = 0;

  constructor(private readonly session: Session) {
    const { units } = session;
    this.order = [...units.keys()].sort((a, b) => (units[b]?.deviation ?? 0) - (units[a]?.deviation ?? 0));
    // Few enough to see at once stay in their own order.
    if (this.order.length <= TOGETHER) this.order.sort((a, b) => a - b);
    this.page(0);
    onClick("reset", () => session.showCode(session.meanCode()));
    const random = onClick("random", () => session.showCode(session.explorer.draw(++this.seed)));
    if (!session.facts.draws) {
      random.disabled = true;
      random.title = "The model has neither a prior nor a density of its codes; train it with --density gaussian";
    }
    this.walk();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.histograms());
    session.onChange(() => this.draw());
  }

  /** Brings a unit's slider onto the page. */
  show(unit: number): void {
    const at = this.order.indexOf(unit);
    if (at >= 0) this.page(at - at % TOGETHER);
  }

  private page(first: number): void {
    const { session, order } = this;
    const shown = order.slice(first, first + TOGETHER);
    this.box.replaceChildren();
    this.sliders = shown.map(unit => this.slider(unit));
    const pager = element("pager", HTMLElement);
    pager.replaceChildren();
    if (order.length > TOGETHER) {
      const to = (words: string, label: string, start: number): void => {
        const button = make("button", words);
        button.setAttribute("aria-label", label);
        button.disabled = start < 0 || start >= order.length;
        button.addEventListener("click", () => {
          this.page(start);
          // The button is a new one; whoever pressed it by keyboard goes on from there.
          const again = Array.from(pager.querySelectorAll("button")).find(other => other.getAttribute("aria-label") === label && !other.disabled);
          (again ?? this.sliders[0]?.input)?.focus();
        });
        pager.append(button);
      };
      to("◂", "Sliders before these", first - TOGETHER);
      pager.append(make("span", `${first + 1} to ${first + shown.length} of ${order.length} units, those that vary most first`, "faint"));
      to("▸", "Sliders after these", first + TOGETHER);
    }
    session.again();
    this.histograms();
  }

  private histograms(): void {
    for (const { input, unit } of this.sliders) drawHistogram(input.previousElementSibling as HTMLCanvasElement, this.session.units[unit]?.histogram ?? []);
  }

  private slider(unit: number): Slider {
    const { session } = this;
    const of = session.units[unit];
    const [low, high] = of && of.range[1] > of.range[0] ? of.range : [(of?.mean ?? 0) - 1, (of?.mean ?? 0) + 1];
    const box = make("div", "", "slider");
    const input = make("input");
    input.type = "range";
    [input.min, input.max, input.step] = [String(low), String(high), String((high - low) / STEPS)];
    const output = make("output");
    const canvas = make("canvas");
    const state = of && of.state !== "active" ? `, ${of.state}` : "";
    input.setAttribute("aria-label", `unit ${unit}${state}`);
    box.append(make("span", `unit ${unit}${state}`), output, canvas, input);
    this.box.append(box);
    input.addEventListener("input", () => {
      const code = session.code.slice();
      code[unit] = input.valueAsNumber;
      session.showCode(code, true);
    });
    return { unit, input, output };
  }

  private draw(): void {
    for (const { unit, input, output } of this.sliders) {
      const value = this.session.code[unit] as number;
      if (document.activeElement !== input || Math.abs(input.valueAsNumber - value) > Number(input.step)) input.value = String(value);
      output.textContent = short(value);
    }
  }

  private walk(): void {
    const { session } = this;
    const share = element("share", HTMLInputElement);
    const way = element("way", HTMLSelectElement);
    const buttons = ["from", "to"].map((id, end) => onClick(id, () => {
      if (session.row !== null) session.setEnd(end as 0 | 1, session.row);
    }));
    const step = (): void => {
      const [from, to] = session.ends;
      if (from === null || to === null) return;
      const { explorer } = session;
      session.showCode(explorer.between(explorer.code(from), explorer.code(to), share.valueAsNumber, way.value === "arc"));
    };
    share.addEventListener("input", step);
    way.addEventListener("change", step);
    let walking = false;
    const play = onClick("play", () => {
      walking = !walking;
      play.textContent = walking ? "Stop" : "Play";
      const began = performance.now();
      let turn = session.turn;
      const next = (now: number): void => {
        if (!walking) return;
        if (session.turn !== turn) {
          play.click();
          return;
        }
        share.value = String(Math.min(1, Math.max(0, (now - began) / WALK)));
        step();
        turn = session.turn;
        if (share.valueAsNumber >= 1) play.click();
        else requestAnimationFrame(next);
      };
      if (walking) requestAnimationFrame(next);
    });
    session.onChange(() => {
      const ready = session.ends.every(end => end !== null);
      share.disabled = !ready;
      play.disabled = !ready;
      for (const [end, button] of buttons.entries()) {
        const row = session.ends[end];
        const word = end === 0 ? "From" : "To";
        button.textContent = row === null || row === undefined ? `${word}: this row` : `${word}: ${session.nameOf(row)}`;
        button.disabled = session.row === null;
        button.title = session.row === null ? "Show a row first" : `Set to ${session.nameOf(session.row)}`;
      }
    });
  }
}

/** How many rows have which value of a unit, from its smallest to its largest. */
function drawHistogram(canvas: HTMLCanvasElement, counts: number[]): void {
  const { pen, width, height } = fitted(canvas);
  const most = Math.max(1, ...counts);
  pen.fillStyle = colour("--line");
  for (const [bar, rows] of counts.entries()) {
    // Half the thumb's width stands out on each side of the slider's range.
    const [left, wide] = [8 + (width - 16) * bar / counts.length, (width - 16) / counts.length];
    pen.fillRect(left, height * (1 - rows / most), wide, height);
  }
}
