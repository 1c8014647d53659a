// What is shown: the input, what the encoder saw of it, what came back, and where they differ.
import { colour, count, element, make, onClick, paint, short } from "./page.js";
import { drawCurves, drawRow } from "./picture.js";
import { cell } from "./scene.js";
import { Table } from "./table.js";
/** Rows with similar codes that are shown. */
const SIMILAR = 8;
export class Now {
    session;
    pictures = element("pictures", HTMLElement);
    input = addFigure(this.pictures, "input");
    seen = addFigure(this.pictures, "with noise");
    output = addFigure(this.pictures, "given back");
    difference = addFigure(this.pictures, "difference");
    table;
    axes = null;
    seed = 1;
    similarOf = null;
    said = "";
    constructor(session) {
        this.session = session;
        const { facts, scene } = session;
        const image = facts.channels > 0;
        this.pictures.hidden = !image;
        element("curves", HTMLElement).hidden = image || !scene.curve;
        this.table = image || scene.curve ? null : new Table(session);
        this.rows();
        this.noise();
        if (image)
            this.pencil();
        else if (scene.curve)
            this.penOnCurve();
        this.files();
        session.onChange(() => this.draw());
    }
    rows() {
        const { session } = this;
        const last = session.scene.rows - 1;
        const { numbers } = session.scene;
        const row = element("row", HTMLInputElement);
        row.max = String(numbers[last] ?? 1);
        const go = (to) => session.showRow(to);
        row.addEventListener("change", () => {
            if (row.value === "")
                return;
            const at = numbers.indexOf(Number(row.value));
            if (at >= 0)
                go(at);
            else {
                const some = numbers.length < session.scene.all ? ", of which a part is shown" : "";
                session.guarded(() => { throw new Error(`There is no row ${row.value} here; wanted 1 to ${session.scene.all}${some}.`); });
            }
        });
        onClick("previous", () => go(((session.row ?? 1) + last) % (last + 1)));
        onClick("next", () => go(((session.row ?? -1) + 1) % (last + 1)));
        onClick("any", () => go(Math.floor(Math.random() * (last + 1))));
    }
    noise() {
        const { session } = this;
        const noise = element("noise", HTMLInputElement);
        element("noise-label", HTMLElement).hidden = !session.facts.corrupts;
        const other = onClick("other-noise", () => session.showNoise(++this.seed));
        noise.addEventListener("change", () => {
            other.hidden = !noise.checked;
            session.showNoise(noise.checked ? this.seed : null);
        });
    }
    /** The input as a copy to change: a row, or what the decoder gave where there is no input. */
    copy() {
        return (this.session.input ?? this.session.output).slice();
    }
    /** Drawing on the input. */
    pencil() {
        const { session } = this;
        const { facts: { width, height, channels }, explorer } = session;
        element("pencil", HTMLElement).hidden = false;
        const canvas = this.input.querySelector("canvas");
        canvas.className = "pencil";
        canvas.title = "Draw here";
        const sheet = () => explorer.rowOfPixels(new Uint8Array(width * height * 4));
        onClick("blank", () => session.showInput(sheet()));
        const place = (event) => [event.offsetX / canvas.clientWidth * width, event.offsetY / canvas.clientHeight * height];
        const stroke = (from, to) => {
            const ink = Number(element("ink", HTMLInputElement).value);
            const reach = Number(element("brush", HTMLInputElement).value) * Math.max(width, height) / 100 + 0.35;
            const value = explorer.rowOfPixels(new Uint8Array([ink, ink, ink, 255]))[0];
            const row = this.copy();
            for (let y = 0; y < height; y++) {
                for (let x = 0; x < width; x++) {
                    const share = Math.min(1, Math.max(0, reach + 0.5 - distance(x + 0.5, y + 0.5, from, to)));
                    if (share === 0)
                        continue;
                    for (let channel = 0; channel < channels; channel++) {
                        const at = (y * width + x) * channels + channel;
                        row[at] = row[at] * (1 - share) + value * share;
                    }
                }
            }
            session.showInput(row);
        };
        onStroke(canvas, place, stroke);
    }
    /** Drawing on a curve. */
    penOnCurve() {
        const { session } = this;
        const canvas = element("curve", HTMLCanvasElement);
        canvas.title = "Draw here to change the input";
        const channels = session.scene.channels;
        const place = (event) => {
            if (!this.axes)
                return null;
            const { left, right, top, bottom, low, high } = this.axes;
            const points = session.facts.features / channels;
            const at = Math.round((event.offsetX - left) / (right - left) * (points - 1));
            const lane = (bottom - top) / channels;
            const channel = Math.min(channels - 1, Math.max(0, Math.floor((event.offsetY - top) / lane)));
            const share = (event.offsetY - top - lane * channel) / lane;
            return [Math.min(points - 1, Math.max(0, at)) * channels + channel, high - (high - low) * Math.min(1, Math.max(0, share))];
        };
        const stroke = ([from, start], [to, end]) => {
            const row = this.copy();
            // Another lane is another curve: no line leads there.
            if (from % channels !== to % channels)
                row[to] = end;
            else {
                const step = from < to ? channels : -channels;
                for (let at = from;; at += step) {
                    row[at] = from === to ? end : start + (end - start) * (at - from) / (to - from);
                    if (at === to)
                        break;
                }
            }
            session.showInput(row);
        };
        onStroke(canvas, place, stroke);
    }
    /** A file becomes the input: a picture, or the first line that has as many numbers as a row. */
    files() {
        const { session } = this;
        const { facts } = session;
        const image = facts.channels > 0;
        const chosen = element("file", HTMLInputElement);
        chosen.accept = image ? "image/*" : ".csv,.tsv,.txt,text/plain";
        element("file-words", HTMLElement).textContent = image ? "Open an image" : "Open a row";
        const take = async (file) => {
            const row = image ? await this.ofImage(file) : ofText(await file.slice(0, 1 << 20).text(), facts.features, file.name);
            session.showInput(row);
        };
        const open = (file) => {
            if (file)
                take(file).catch(error => session.guarded(() => { throw error; }));
        };
        chosen.addEventListener("change", () => {
            open(chosen.files?.[0]);
            chosen.value = "";
        });
        document.addEventListener("dragover", event => event.preventDefault());
        document.addEventListener("drop", event => {
            event.preventDefault();
            open(event.dataTransfer?.files[0]);
        });
    }
    async ofImage(file) {
        const { width, height } = this.session.facts;
        const bitmap = await createImageBitmap(file, { resizeWidth: width, resizeHeight: height, resizeQuality: "medium" })
            .catch(() => { throw new Error(`${file.name} is no image that this browser can read`); });
        const canvas = new OffscreenCanvas(width, height);
        const pen = canvas.getContext("2d");
        if (!pen)
            throw new Error("this browser draws no canvas");
        pen.fillStyle = "black";
        pen.fillRect(0, 0, width, height);
        pen.drawImage(bitmap, 0, 0, width, height);
        bitmap.close();
        const { data } = pen.getImageData(0, 0, width, height);
        return this.session.explorer.rowOfPixels(new Uint8Array(data.buffer));
    }
    draw() {
        const { session } = this;
        const { facts, explorer, input, output, seen } = session;
        const row = element("row", HTMLInputElement);
        if (document.activeElement !== row)
            row.value = session.row === null ? "" : String(session.scene.numbers[session.row]);
        this.words();
        if (facts.channels > 0) {
            this.input.hidden = false;
            this.seen.hidden = session.noise === null || !seen;
            this.difference.hidden = !input;
            drawRow(session, canvasOf(this.input), input ?? output);
            canvasOf(this.input).style.opacity = input ? "1" : "0.25";
            if (seen && !this.seen.hidden)
                drawRow(session, canvasOf(this.seen), seen);
            drawRow(session, canvasOf(this.output), output);
            if (input)
                paint(canvasOf(this.difference), explorer.paintDifference(input, output), facts.width, facts.height);
        }
        else if (session.scene.curve) {
            const curves = [];
            if (input)
                curves.push({ values: input, ink: colour("--faint"), name: "input" });
            if (seen && seen !== input)
                curves.push({ values: seen, ink: colour("--orange"), name: "with noise" });
            curves.push({ values: output, ink: colour("--blue"), name: "given back" });
            this.axes = drawCurves(element("curve", HTMLCanvasElement), curves, session.scene.channels);
        }
        else
            this.table?.draw();
        this.similar();
    }
    words() {
        const { session } = this;
        const { scene, row } = session;
        // The very number of the row, so that it is not larger than itself by rounding.
        const error = row !== null && !session.changed && session.noise === null ? scene.errors[row] ?? null : session.error();
        const parts = [];
        if (row !== null) {
            parts.push(session.nameOf(row));
            const label = scene.labels?.[row];
            if (label !== undefined)
                parts.push(`label ${label}`);
        }
        else
            parts.push(session.input ? "an input of your own" : "a code that belongs to no row");
        if (session.changed)
            parts.push("its code changed by hand");
        if (error !== null) {
            parts.push(`mean squared error ${short(error)} in scaled units`);
            const larger = scene.errors.filter(of => of < error).length;
            parts.push(`larger than that of ${Math.round(100 * larger / Math.max(1, scene.rows))} % of the rows`);
        }
        const words = parts.join(", ");
        const own = row !== null && scene.ids !== null;
        element("now-words", HTMLElement).textContent = own ? `${words}.` : `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
        // A screen reader is told of rows and inputs, not of each step of a slider.
        const status = row === null && !session.input ? "" : words;
        if (status !== this.said) {
            this.said = status;
            element("status", HTMLElement).textContent = status;
        }
    }
    /** The rows whose codes are nearest, for a row or an input: a moving code would make them flicker. */
    similar() {
        const { session } = this;
        const { explorer, input, scene } = session;
        if (input === this.similarOf)
            return;
        this.similarOf = input;
        const box = element("similar", HTMLElement);
        box.replaceChildren();
        if (!input) {
            box.append(make("span", "Shown for a row or an input.", "faint"));
            return;
        }
        const nearest = Array.from(explorer.nearest(session.code, SIMILAR + 1)).filter(row => row !== session.row).slice(0, SIMILAR);
        for (const row of nearest) {
            const button = make("button");
            const label = scene.labels?.[row];
            button.append(make("div", label === undefined ? session.nameOf(row) : `${session.nameOf(row)}: ${label}`, "faint"));
            button.addEventListener("click", () => session.showRow(row));
            if (session.drawn) {
                const canvas = make("canvas");
                button.prepend(canvas);
                drawRow(session, canvas, explorer.row(row));
            }
            box.append(button);
        }
    }
}
/** The selected rows: how many, which labels, what they share. */
export function selection(session) {
    const { explorer, scene } = session;
    let shown = null;
    let whole = null;
    onClick("clear-selection", () => session.select(new Uint32Array()));
    document.addEventListener("keydown", event => {
        if (event.key === "Escape" && session.selected.length > 0)
            session.select(new Uint32Array());
    });
    session.onChange(() => {
        const rows = session.selected;
        if (rows === shown)
            return;
        shown = rows;
        element("selection", HTMLElement).hidden = rows.length === 0;
        if (rows.length === 0)
            return;
        element("selection-title", HTMLElement).textContent = `${count(rows.length, "row")} selected`;
        const pictures = element("selection-pictures", HTMLElement);
        pictures.replaceChildren();
        const mean = explorer.meanRow(rows);
        const add = (words, row) => drawRow(session, canvasOf(addFigure(pictures, words)), row);
        if (session.drawn) {
            add("their mean", mean);
            const middle = explorer.encode(mean);
            const chosen = new Set(rows);
            const nearest = Array.from(explorer.nearest(middle, scene.rows)).filter(row => chosen.has(row));
            for (const row of nearest.slice(0, 3))
                add(session.nameOf(row), explorer.row(row));
        }
        const words = element("selection-words", HTMLElement);
        words.replaceChildren();
        if (scene.group) {
            const counts = new Map();
            for (const row of rows) {
                const name = scene.groups[scene.group[row]] ?? "all others";
                counts.set(name, (counts.get(name) ?? 0) + 1);
            }
            const parts = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 6).map(([name, number]) => `${name} ${Math.round(100 * number / rows.length)} %`);
            words.append(make("li", `Labels: ${parts.join(", ")}`));
        }
        const all = JSON.parse(explorer.standingOut(rows));
        for (const [unit, far] of all.slice(0, 4)) {
            if (Math.abs(far) > 0.1)
                words.append(make("li", `Unit ${unit} is ${short(Math.abs(far))} standard deviations ${far > 0 ? "above" : "below"} its mean over all rows`));
        }
        if (!session.drawn) {
            whole ??= explorer.meanRow(Uint32Array.from({ length: scene.rows }, (_, row) => row));
            const far = Array.from(explorer.errors(mean, whole)).map((error, column) => [error, column]).sort((a, b) => b[0] - a[0]);
            // Words have no mean.
            const numbers = far.filter(([, column]) => !["categorical", "boolean"].includes(scene.fields[column]?.kind ?? ""));
            for (const [error, column] of numbers.slice(0, 5)) {
                if (error > 0.01)
                    words.append(make("li", `${scene.columns[column]}: ${cell(scene, column, mean[column])} on average, ${cell(scene, column, whole[column])} over all rows`));
            }
        }
    });
}
/** Calls `stroke` with both ends of each step that the pointer draws on a canvas. */
function onStroke(canvas, place, stroke) {
    let last = null;
    canvas.addEventListener("pointerdown", event => {
        canvas.setPointerCapture(event.pointerId);
        last = place(event);
        if (last)
            stroke(last, last);
    });
    canvas.addEventListener("pointermove", event => {
        const here = last && place(event);
        if (!last || !here)
            return;
        stroke(last, here);
        last = here;
    });
    for (const name of ["pointerup", "pointercancel"])
        canvas.addEventListener(name, () => { last = null; });
}
/** A picture with its words below it. */
function addFigure(box, words) {
    const figure = make("figure");
    const canvas = make("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", words);
    figure.append(canvas, make("figcaption", words));
    figure.dataset["name"] = words;
    box.append(figure);
    return figure;
}
function canvasOf(figure) {
    return figure.querySelector("canvas");
}
/** How far a place is from a line between two others. */
function distance(x, y, [ax, ay], [bx, by]) {
    const [dx, dy] = [bx - ax, by - ay];
    const length = dx * dx + dy * dy;
    const share = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
    return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}
/** The first line that has as many numbers as are wanted. */
function ofText(text, wanted, name) {
    for (const line of text.split(/\r?\n/)) {
        const numbers = line.split(/[\s,;]+/).filter(word => word !== "").map(word => Math.fround(Number(word)));
        if (numbers.length === wanted && numbers.every(Number.isFinite))
            return Float32Array.from(numbers);
    }
    throw new Error(`${name} has no line of ${wanted} numbers and nothing else, which is a row of this model`);
}
