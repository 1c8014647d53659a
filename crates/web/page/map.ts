// The map of the codes: tens of thousands of dots, drawn into pixels by hand, because that needs no GPU.

import { groupColours } from "./model.js";
import { colour, context, count, element, fitted, make, onClick, short } from "./page.js";
import { drawRow, inks } from "./picture.js";
import type { Neighbours } from "./scene.js";
import type { Session } from "./session.js";

/** Where rows lie: on the plane along which codes vary most, or so that neighbours stay together. */
interface Projection {
  rows: Uint32Array;
  places: Float32Array;
  plane: boolean;
}

/** Reach of the pointer, in units of the page. */
const REACH = 9;

export class CodeMap {
  private readonly points = element("points", HTMLCanvasElement);
  private readonly marks = element("marks", HTMLCanvasElement);
  private readonly tip = element("tip", HTMLElement);
  private readonly projections: Projection[];
  private projection: Projection;
  private colours: Uint32Array = new Uint32Array();
  /** The place in the middle, and units of the page to one of the map. */
  private middle: [number, number] = [0, 0];
  private scale = 1;
  /** Which dot each pixel shows, as its place in the projection, plus one. */
  private dots = new Uint32Array();
  private drawn = "";
  private hovered: number | null = null;
  private lasso: [number, number][] = [];
  private colouredBy = "";
  /** The colour that was chosen beside those of units. */
  private plainColour = "";
  /** The scale that shows the whole map, and whether another was chosen. */
  private wholeScale = 1;
  private touched = false;
  private selection: Uint8Array = new Uint8Array();
  private selectedOf: Uint32Array | null = null;

  constructor(private readonly session: Session) {
    const rows = Uint32Array.from({ length: session.scene.rows }, (_, row) => row);
    this.projection = { rows, places: session.explorer.places(), plane: true };
    this.projections = [this.projection];
    const projection = element("projection", HTMLSelectElement);
    projection.append(new Option("plane of most variance", "0"));
    projection.addEventListener("change", () => this.project(Number(projection.value)));
    this.offerColours();
    for (const [id, factor] of [["closer", 1.4], ["farther", 1 / 1.4]] as const) onClick(id, () => this.zoom(factor, null));
    onClick("whole", () => { this.fit(); session.again(); });
    this.listen();
    new ResizeObserver(() => {
      if (!this.touched) this.fit();
      session.again();
    }).observe(this.marks);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.colouredBy = "";
      session.again();
    });
    this.fit();
    session.onChange(() => this.draw());
  }

  /** Offers the map of neighbours beside the plane. */
  offer({ rows, places }: Neighbours): void {
    // Rows that are all the same have no places of their own.
    if (!places.every(Number.isFinite)) return;
    this.projections.push({ rows, places, plane: false });
    element("projection", HTMLSelectElement).append(new Option("neighbours together (t-SNE)", "1"));
  }

  private project(index: number): void {
    this.projection = this.projections[index] ?? this.projection;
    this.fit();
    this.session.again();
  }

  private offerColours(): void {
    const { session } = this;
    const select = element("colour", HTMLSelectElement);
    if (session.scene.group) select.append(new Option("label", "label"));
    select.append(new Option("error", "error"));
    for (const unit of session.units.keys()) select.append(new Option(`unit ${unit}`, `unit ${unit}`));
    // Groups that share one colour tell little.
    if (session.scene.groups.includes("all others")) select.value = "error";
    this.plainColour = select.value;
    select.addEventListener("change", () => {
      if (!select.value.startsWith("unit ")) this.plainColour = select.value;
      session.showUnit(select.value.startsWith("unit ") ? Number(select.value.slice(5)) : null);
    });
  }

  /** The colours of all rows and what they mean, where they changed. */
  private recolour(): void {
    const { session } = this;
    const { scene, explorer, unit } = session;
    const select = element("colour", HTMLSelectElement);
    if (unit !== null) select.value = `unit ${unit}`;
    else if (select.value.startsWith("unit ")) select.value = this.plainColour;
    if (this.colouredBy === select.value) return;
    this.colouredBy = select.value;
    this.drawn = "";
    const legend = element("legend", HTMLElement);
    legend.replaceChildren();
    if (select.value === "label" && scene.group) {
      const palette = inks(groupColours(matchMedia("(prefers-color-scheme: dark)").matches));
      this.colours = Uint32Array.from(scene.group, group => palette[group % palette.length] ?? 0);
      for (const [group, name] of scene.groups.entries()) legend.append(this.legendOf(group, name, palette[group] ?? 0));
      return;
    }
    const numbers = unit === null ? Float32Array.from(scene.errors) : explorer.unitValues(unit);
    this.colours = inks(explorer.paintNumbers(numbers));
    legend.textContent = unit === null ? "From dark for a small error to yellow for a large one." : `From dark for the least of unit ${unit} to yellow for the most.`;
  }

  private legendOf(group: number, name: string, ink: number): HTMLElement {
    const button = make("button", "");
    const dot = make("span", "", "dot");
    dot.style.background = `rgb(${ink & 255} ${ink >>> 8 & 255} ${ink >>> 16 & 255})`;
    button.append(dot, make("span", name));
    button.title = `Select the rows of ${name}`;
    button.addEventListener("click", () => {
      const rows = this.session.scene.group?.flatMap((of, row) => of === group ? [row] : []) ?? [];
      this.session.select(Uint32Array.from(rows));
    });
    return button;
  }

  /** Shows the whole map, less the two in a thousand furthest out on each side, which could make a point of all others. */
  private fit(): void {
    const { places } = this.projection;
    const { clientWidth: width, clientHeight: height } = this.marks;
    const ends = [0, 1].map(axis => {
      const along = places.filter((_, at) => at % 2 === axis).sort();
      const cut = Math.floor(along.length / 500);
      return [along[cut] ?? 0, along[along.length - 1 - cut] ?? 0] as const;
    });
    const [[left, right], [below, above]] = ends as [readonly [number, number], readonly [number, number]];
    this.middle = [(left + right) / 2, (below + above) / 2];
    const scale = Math.min(width / ((right - left) || 1), height / ((above - below) || 1)) / 1.1;
    this.scale = this.wholeScale = scale > 0 && Number.isFinite(scale) ? scale : 1;
    this.touched = false;
  }

  /** From a place on the map to units of the page. */
  private onPage(right: number, up: number): [number, number] {
    const { clientWidth, clientHeight } = this.marks;
    return [clientWidth / 2 + (right - this.middle[0]) * this.scale, clientHeight / 2 - (up - this.middle[1]) * this.scale];
  }

  private onMap(x: number, y: number): [number, number] {
    const { clientWidth, clientHeight } = this.marks;
    return [this.middle[0] + (x - clientWidth / 2) / this.scale, this.middle[1] - (y - clientHeight / 2) / this.scale];
  }

  /** Moves the map by units of the page. */
  pan(x: number, y: number): void {
    this.touched = true;
    this.middle = [this.middle[0] - x / this.scale, this.middle[1] + y / this.scale];
    this.session.again();
  }

  /** Zooms about a place on the page, or about the middle. */
  zoom(factor: number, about: [number, number] | null): void {
    const [x, y] = about ?? [this.marks.clientWidth / 2, this.marks.clientHeight / 2];
    const [right, up] = this.onMap(x, y);
    this.touched = true;
    this.scale = Math.min(1000 * this.wholeScale, Math.max(this.wholeScale / 10, this.scale * factor));
    const [moved, lifted] = this.onMap(x, y);
    this.middle = [this.middle[0] + right - moved, this.middle[1] + up - lifted];
    this.session.again();
  }

  private draw(): void {
    this.recolour();
    this.describe();
    const { clientWidth: width, clientHeight: height } = this.marks;
    const key = [width, height, devicePixelRatio, this.middle, this.scale, this.projections.indexOf(this.projection)].join();
    if (key !== this.drawn || this.selectedOf !== this.session.selected) {
      this.drawn = key;
      this.mask();
      this.drawPoints();
    }
    this.drawMarks();
  }

  private mask(): void {
    const { selected, scene } = this.session;
    if (this.selectedOf === selected) return;
    this.selectedOf = selected;
    this.selection = new Uint8Array(scene.rows);
    for (const row of selected) this.selection[row] = 1;
  }

  private drawPoints(): void {
    const { points, projection: { rows, places }, colours, selection, middle, dots: old } = this;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(points.clientWidth * ratio), Math.round(points.clientHeight * ratio)];
    if (width === 0 || height === 0) return;
    if (points.width !== width) points.width = width;
    if (points.height !== height) points.height = height;
    const pen = context(points);
    const image = pen.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const dots = old.length === pixels.length ? old.fill(0) : new Uint32Array(pixels.length);
    this.dots = dots;
    // Many rows are faint dots, few are strong ones.
    const reach = Math.max(1, Math.round((rows.length <= 2000 ? 2 : 1) * ratio));
    // Half the width of a dot on each of its lines: the smallest dots are squares.
    const wide = Array.from({ length: 2 * reach + 1 }, (_, line) => reach < 2 ? reach : Math.floor(Math.sqrt((reach + 0.4) ** 2 - (line - reach) ** 2)));
    const strong = rows.length <= 2000 ? 230 : rows.length <= 20000 ? 170 : 120;
    const some = this.session.selected.length > 0;
    const scale = this.scale * ratio;
    const [left, top] = [width / 2 - middle[0] * scale, height / 2 + middle[1] * scale];
    // Paper is transparent: what is blended is the ink alone, its opacity with it.
    for (let at = 0; at < rows.length; at++) {
      const x = Math.round(left + (places[2 * at] as number) * scale), y = Math.round(top - (places[2 * at + 1] as number) * scale);
      if (x < reach || y < reach || x >= width - reach || y >= height - reach) continue;
      const row = rows[at] as number;
      const ink = colours[row] as number;
      const share = some && selection[row] === 0 ? 26 : strong;
      dots[y * width + x] = at + 1;
      const redBlue = ink & 0xff00ff, green = ink & 0xff00;
      for (let down = -reach; down <= reach; down++) {
        const across = wide[down + reach] as number;
        for (let place = (y + down) * width + x - across; place <= (y + down) * width + x + across; place++) {
          const below = pixels[place] as number;
          const opacity = below >>> 24;
          // The colour of a first dot is its own; of later ones, a mixture.
          const keep = opacity === 0 ? 0 : 256 - share, take = 256 - keep;
          const mixed = ((below & 0xff00ff) * keep + redBlue * take) >>> 8 & 0xff00ff;
          const mixedGreen = ((below & 0xff00) * keep + green * take) >>> 8 & 0xff00;
          pixels[place] = opacity + ((255 - opacity) * share >>> 8) << 24 | mixed | mixedGreen;
        }
      }
    }
    pen.putImageData(image, 0, 0);
  }

  private drawMarks(): void {
    const { session } = this;
    const { pen } = fitted(this.marks);
    const ring = (place: [number, number], size: number, ink: string, word: string): void => {
      pen.lineWidth = 4;
      pen.strokeStyle = colour("--paper");
      pen.beginPath();
      pen.arc(place[0], place[1], size, 0, 2 * Math.PI);
      pen.stroke();
      pen.lineWidth = 2;
      pen.strokeStyle = ink;
      pen.stroke();
      if (word === "") return;
      pen.font = "600 13px system-ui, sans-serif";
      pen.lineWidth = 4;
      pen.strokeStyle = colour("--paper");
      pen.strokeText(word, place[0] + size + 4, place[1] - size);
      pen.fillStyle = ink;
      pen.fillText(word, place[0] + size + 4, place[1] - size);
    };
    for (const [end, row] of session.ends.entries()) {
      const place = row === null ? null : this.placeOf(row);
      if (place) ring(place, 6, colour("--ink"), end === 0 ? "from" : "to");
    }
    const place = this.placeShown();
    if (place) ring(place, 8, colour("--orange"), "");
    const hovered = this.hovered === null ? null : this.placeOf(this.hovered);
    if (hovered) ring(hovered, 6, colour("--blue"), "");
    if (this.lasso.length > 1) {
      pen.beginPath();
      for (const [right, up] of this.lasso) pen.lineTo(...this.onPage(right, up));
      pen.closePath();
      pen.fillStyle = "rgb(0 114 178 / 12%)";
      pen.fill();
      pen.lineWidth = 2;
      pen.strokeStyle = colour("--blue");
      pen.stroke();
    }
  }

  private describe(): void {
    const { session, projection } = this;
    const some = session.scene.rows < session.scene.all ? `${count(session.scene.rows, "row")} of ${session.scene.all.toLocaleString("en")}` : count(session.scene.rows, "row");
    const [right = 0, up = 0] = session.explorer.shares();
    element("map-words", HTMLElement).textContent = projection.plane
      ? `${some} by the two directions in which codes vary most: ${Math.round(100 * right)} % of their variance to the right, ${Math.round(100 * up)} % upwards. Dragging decodes any place.`
      : `${count(projection.rows.length, "row")}, placed by t-SNE: rows with similar codes stand together; how far groups are apart says little. Dragging goes from row to row.`;
  }

  /** Where a row lies on the page; none where it is not on this map. */
  private placeOf(row: number): [number, number] | null {
    const { rows, places, plane } = this.projection;
    const at = plane ? row : rows.indexOf(row);
    return at < 0 ? null : this.onPage(places[2 * at] as number, places[2 * at + 1] as number);
  }

  private placeShown(): [number, number] | null {
    const { session } = this;
    if (this.projection.plane) {
      const [right = 0, up = 0] = session.explorer.place(session.code);
      return this.onPage(right, up);
    }
    return session.row === null ? null : this.placeOf(session.row);
  }

  /** The row whose dot is nearest to a place on the page, within reach. */
  private rowAt(x: number, y: number): number | null {
    const ratio = devicePixelRatio;
    const { width, height } = this.points;
    const [column, line] = [Math.round(x * ratio), Math.round(y * ratio)];
    const reach = Math.round(REACH * ratio);
    let best = reach * reach + 1, found: number | null = null;
    for (let down = Math.max(0, line - reach); down <= Math.min(height - 1, line + reach); down++) {
      for (let across = Math.max(0, column - reach); across <= Math.min(width - 1, column + reach); across++) {
        const dot = this.dots[down * width + across] ?? 0;
        const distance = (down - line) ** 2 + (across - column) ** 2;
        if (dot > 0 && distance < best) {
          best = distance;
          found = this.projection.rows[dot - 1] ?? null;
        }
      }
    }
    return found;
  }

  /** The row nearest to a place on the map, however far. */
  private nearestRow([right, up]: [number, number]): number {
    const { rows, places } = this.projection;
    let best = Infinity, found = 0;
    for (let at = 0; at < rows.length; at++) {
      const distance = ((places[2 * at] as number) - right) ** 2 + ((places[2 * at + 1] as number) - up) ** 2;
      if (distance < best) [best, found] = [distance, rows[at] as number];
    }
    return found;
  }

  /** Shows what is at a place: what the plane decodes to, or the nearest row where places have no codes. */
  private showPlace(place: [number, number]): void {
    if (this.projection.plane) this.session.showCode(this.session.explorer.codeAt(...place));
    else this.session.showRow(this.nearestRow(place));
  }

  private listen(): void {
    const { marks } = this;
    let last: [number, number] | null = null;
    let moved = false;
    let tool = "decode";
    const at = (event: PointerEvent | WheelEvent): [number, number] => [event.offsetX, event.offsetY];
    for (const radio of document.querySelectorAll<HTMLInputElement>("input[name=tool]")) {
      radio.addEventListener("change", () => marks.classList.toggle("move", this.tool() === "move"));
    }
    marks.addEventListener("pointerdown", event => {
      marks.setPointerCapture(event.pointerId);
      last = at(event);
      moved = false;
      tool = event.shiftKey || event.button === 1 ? "move" : this.tool();
      this.lasso = tool === "lasso" ? [this.onMap(...last)] : [];
    });
    marks.addEventListener("pointermove", event => {
      const here = at(event);
      if (!last) {
        this.hover(this.rowAt(...here), here);
        return;
      }
      if (!moved && Math.hypot(here[0] - last[0], here[1] - last[1]) < 4) return;
      moved = true;
      this.hover(null, here);
      if (tool === "move") this.pan(here[0] - last[0], here[1] - last[1]);
      if (tool === "decode") this.showPlace(this.onMap(...here));
      if (tool === "lasso") this.lasso.push(this.onMap(...here));
      last = here;
      this.session.again();
    });
    const end = (event: PointerEvent): void => {
      if (!last) return;
      last = null;
      if (moved) {
        if (tool === "lasso") this.choose();
        return;
      }
      const row = this.rowAt(...at(event));
      if (row !== null) this.session.showRow(row);
      else if (tool === "decode") this.showPlace(this.onMap(...at(event)));
    };
    marks.addEventListener("pointerup", end);
    marks.addEventListener("pointercancel", () => { last = null; this.lasso = []; });
    marks.addEventListener("pointerleave", event => this.hover(null, at(event)));
    marks.addEventListener("wheel", event => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 0 ? 0.0015 : 0.05)), at(event));
    }, { passive: false });
    marks.addEventListener("keydown", event => {
      const step: [number, number] | undefined = ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] } as const)[event.key as "ArrowLeft"] as [number, number] | undefined;
      if (step && event.shiftKey) this.pan(-40 * step[0], -40 * step[1]);
      else if (step) {
        const [x, y] = this.placeShown() ?? [marks.clientWidth / 2, marks.clientHeight / 2];
        this.step([x, y], step);
      } else if (event.key === "+" || event.key === "=") this.zoom(1.4, null);
      else if (event.key === "-") this.zoom(1 / 1.4, null);
      else if (event.key === "0") { this.fit(); this.session.again(); }
      else if (event.key === "Enter") {
        const place = this.placeShown();
        if (place) this.session.showRow(this.nearestRow(this.onMap(...place)));
      } else return;
      event.preventDefault();
    });
  }

  /** One step by an arrow key: along the plane, or to the nearest row on that side. */
  private step([x, y]: [number, number], [across, down]: [number, number]): void {
    if (this.projection.plane) {
      this.showPlace(this.onMap(x + 10 * across, y + 10 * down));
      return;
    }
    const { rows, places } = this.projection;
    let best = Infinity, found: number | null = null;
    for (let at = 0; at < rows.length; at++) {
      const [px, py] = this.onPage(places[2 * at] as number, places[2 * at + 1] as number);
      const along = (px - x) * across + (py - y) * down;
      const aside = Math.abs((px - x) * down) + Math.abs((py - y) * across);
      // Twice as far aside as ahead is another direction.
      if (along > 1 && aside < 2 * along && along + 2 * aside < best) [best, found] = [along + 2 * aside, rows[at] as number];
    }
    if (found !== null) this.session.showRow(found);
  }

  private tool(): string {
    return document.querySelector<HTMLInputElement>("input[name=tool]:checked")?.value ?? "decode";
  }

  private hover(row: number | null, [x, y]: [number, number]): void {
    const { session, tip } = this;
    if (row !== this.hovered) {
      this.hovered = row;
      session.again();
      tip.hidden = row === null;
      if (row !== null) {
        const label = session.scene.labels?.[row];
        const words = [session.nameOf(row), ...(label === undefined ? [] : [`label ${label}`]), `error ${short(session.scene.errors[row] ?? 0)}`];
        element("tip-words", HTMLElement).textContent = words.join(", ");
        const picture = element("tip-picture", HTMLCanvasElement);
        picture.hidden = !session.drawn;
        if (session.drawn) drawRow(session, picture, session.explorer.row(row));
      }
    }
    const left = x + 16 + tip.offsetWidth > this.marks.clientWidth ? x - 16 - tip.offsetWidth : x + 16;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, Math.min(y + 12, this.marks.clientHeight - tip.offsetHeight - 4))}px`;
  }

  /** Selects the rows within the lasso. */
  private choose(): void {
    const { rows, places } = this.projection;
    const corners = this.lasso;
    const found: number[] = [];
    for (let at = 0; at < rows.length; at++) {
      const [x, y] = [places[2 * at] as number, places[2 * at + 1] as number];
      let inside = false;
      for (let corner = 0, before = corners.length - 1; corner < corners.length; before = corner++) {
        const [[ax, ay], [bx, by]] = [corners[corner] as [number, number], corners[before] as [number, number]];
        if (ay > y !== by > y && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
      }
      if (inside) found.push(rows[at] as number);
    }
    this.lasso = [];
    this.session.select(Uint32Array.from(found));
  }
}
