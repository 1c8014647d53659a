// A row of a table: its values to change, what came back, and each column's error.

import { element, make, short } from "./page.js";
import type { Session } from "./session.js";

/** Columns that are listed. */
const MOST = 500;

interface Line {
  input: HTMLInputElement;
  output: HTMLElement;
  bar: HTMLElement;
  error: HTMLElement;
}

export class Table {
  private readonly lines: Line[] = [];

  constructor(private readonly session: Session) {
    const box = element("table", HTMLElement);
    box.hidden = false;
    const table = make("table");
    const head = make("tr");
    for (const word of ["column", "value", "given back", "squared error, scaled units"]) {
      const cell = make("th", word);
      cell.scope = "col";
      head.append(cell);
    }
    const body = make("tbody");
    const names = session.scene.columns.slice(0, MOST);
    for (const [column, name] of names.entries()) body.append(this.line(column, name));
    const top = make("thead");
    top.append(head);
    table.append(top, body);
    box.append(table);
    if (names.length < session.scene.columns.length) box.append(make("p", `The first ${MOST} of ${session.scene.columns.length} columns.`, "faint"));
  }

  private line(column: number, name: string): HTMLElement {
    const line = make("tr");
    const head = make("th", name);
    head.scope = "row";
    const input = make("input");
    input.type = "number";
    input.step = "any";
    input.setAttribute("aria-label", name);
    input.addEventListener("input", () => {
      const value = input.valueAsNumber;
      if (!Number.isFinite(Math.fround(value))) return;
      const row = (this.session.input ?? this.session.output).slice();
      row[column] = value;
      this.session.showInput(row);
    });
    const [value, output, errors] = [make("td"), make("td"), make("td", "", "error")];
    const [bar, error] = [make("i"), make("span", "", "faint")];
    errors.append(bar, error);
    value.append(input);
    line.append(head, value, output, errors);
    this.lines.push({ input, output, bar, error });
    return line;
  }

  draw(): void {
    const { input, output, errors } = this.session;
    const most = Math.max(1e-12, ...(errors?.slice(0, MOST) ?? []));
    for (const [column, line] of this.lines.entries()) {
      if (document.activeElement !== line.input) line.input.value = input ? String(Number((input[column] as number).toPrecision(7))) : "";
      line.input.placeholder = input ? "" : short(output[column] as number);
      line.output.textContent = short(output[column] as number);
      const error = errors?.[column];
      line.bar.style.width = `${error === undefined ? 0 : 100 * error / most}%`;
      line.error.textContent = error === undefined ? "" : short(error);
    }
  }
}
