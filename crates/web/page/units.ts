// What excites each unit of the code, and the weights of the first and the last layer as images.

import type { Pictures } from "./model.js";
import { element, make, paint } from "./page.js";
import { drawRow } from "./picture.js";
import { cell, type Exciting } from "./scene.js";
import type { Session } from "./session.js";
import type { Sliders } from "./sliders.js";

/** Cards that are shown at once. */
const TOGETHER = 60;

/** A list of cards, so many at a time. */
function cards(box: HTMLElement, all: number, card: (index: number) => HTMLElement): void {
  let shown = 0;
  const more = make("button");
  const add = (): void => {
    more.remove();
    for (const end = Math.min(all, shown + TOGETHER); shown < end; shown++) box.append(card(shown));
    more.textContent = `${all - shown} more`;
    if (shown < all) box.append(more);
  };
  more.addEventListener("click", add);
  add();
}

/** The inputs that excite units; choosing one colours the map by it and brings its slider into sight. */
export function exciting(session: Session, sliders: Sliders, of: Exciting): void {
  const { facts, explorer } = session;
  const box = element("exciting", HTMLElement);
  box.replaceChildren();
  const buttons: HTMLButtonElement[] = [];
  const mean = session.drawn ? null : explorer.meanRow(Uint32Array.from({ length: session.scene.rows }, (_, row) => row));
  // The columns of a table in which an input is furthest from the mean row.
  const columnsOf = (input: Float32Array): string[] => {
    const far = Array.from(explorer.errors(input, mean ?? input)).map((error, column) => [error, column] as const);
    far.sort((a, b) => b[0] - a[0]);
    return far.slice(0, 3).map(([, column]) => `${session.scene.columns[column]} ${cell(session.scene, column, input[column] as number)}`);
  };
  cards(box, of.rows.length, unit => {
    const button = make("button");
    button.setAttribute("aria-pressed", "false");
    const row = of.rows[unit] as number;
    const input = of.inputs.slice(unit * facts.features, (unit + 1) * facts.features);
    button.title = `Unit ${unit}, and the row most like what excites it, ${session.nameOf(row)}`;
    if (session.drawn) {
      for (const numbers of [input, explorer.row(row)]) {
        const canvas = make("canvas");
        button.append(canvas);
        drawRow(session, canvas, numbers);
      }
    } else for (const words of columnsOf(input)) button.append(make("span", words, "faint"));
    button.append(make("span", `unit ${unit}`));
    button.addEventListener("click", () => {
      const chosen = session.unit === unit;
      session.showUnit(chosen ? null : unit);
      if (chosen) return;
      sliders.show(unit);
      session.showInput(input);
    });
    buttons[unit] = button;
    return button;
  });
  session.onChange(() => {
    for (const [unit, button] of buttons.entries()) button.setAttribute("aria-pressed", String(session.unit === unit));
  });
}

/** The filters of the first and of the last layer, where they are images. */
export function filters(session: Session): void {
  const groups: [string, Pictures | undefined][] = [
    ["What the units of the first layer look for", session.explorer.filters(true)],
    ["What the units before the last layer draw", session.explorer.filters(false)],
  ];
  for (const [title, pictures] of groups) {
    if (!pictures) continue;
    element("filters", HTMLElement).hidden = false;
    const { count, height, width } = JSON.parse(pictures.facts()) as { count: number; height: number; width: number };
    const box = make("div", "", "cards");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", title);
    cards(box, count, index => {
      const canvas = make("canvas");
      canvas.title = `unit ${index}`;
      paint(canvas, pictures.paint(index), width, height);
      canvas.style.width = `${Math.max(48, width * Math.ceil(48 / width))}px`;
      return canvas;
    });
    element("filter-groups", HTMLElement).append(make("h3", title), box);
  }
}
