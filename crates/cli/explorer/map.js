// The map of the codes: tens of thousands of dots, drawn into pixels by hand, because that needs no GPU.
import { groupColours } from "./model.js";
import { colour, context, count, element, fitted, make, onClick, short } from "./page.js";
import { drawRow, inks } from "./picture.js";
/** Reach of the pointer, in units of the page. */
const REACH = 9;
export class CodeMap {
    session;
    points = element("points", HTMLCanvasElement);
    marks = element("marks", HTMLCanvasElement);
    tip = element("tip", HTMLElement);
    projections;
    projection;
    colours = new Uint32Array();
    /** The place in the middle, and units of the page to one of the map. */
    middle = [0, 0];
    scale = 1;
    /** Which dot each pixel shows, as its place in the projection, plus one. */
    dots = new Uint32Array();
    drawn = "";
    hovered = null;
    lasso = [];
    colouredBy = "";
    /** The colour that was chosen beside those of units. */
    plainColour = "";
    /** The scale that shows the whole map, and whether another was chosen. */
    wholeScale = 1;
    touched = false;
    selection = new Uint8Array();
    selectedOf = null;
    constructor(session) {
        this.session = session;
        const rows = Uint32Array.from({ length: session.scene.rows }, (_, row) => row);
        this.projection = { rows, places: session.explorer.places(), plane: true };
        this.projections = [this.projection];
        const projection = element("projection", HTMLSelectElement);
        projection.append(new Option("plane of most variance", "0"));
        projection.addEventListener("change", () => this.project(Number(projection.value)));
        this.offerColours();
        for (const [id, factor] of [["closer", 1.4], ["farther", 1 / 1.4]])
            onClick(id, () => this.zoom(factor, null));
        onClick("whole", () => { this.fit(); session.again(); });
        this.listen();
        new ResizeObserver(() => {
            if (!this.touched)
                this.fit();
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
    offer({ rows, places }) {
        // Rows that are all the same have no places of their own.
        if (!places.every(Number.isFinite))
            return;
        this.projections.push({ rows, places, plane: false });
        element("projection", HTMLSelectElement).append(new Option("neighbours together (t-SNE)", "1"));
    }
    project(index) {
        this.projection = this.projections[index] ?? this.projection;
        this.fit();
        this.session.again();
    }
    offerColours() {
        const { session } = this;
        const select = element("colour", HTMLSelectElement);
        if (session.scene.group)
            select.append(new Option("label", "label"));
        select.append(new Option("error", "error"));
        for (const unit of session.units.keys())
            select.append(new Option(`unit ${unit}`, `unit ${unit}`));
        // Groups that share one colour tell little.
        if (session.scene.groups.includes("all others"))
            select.value = "error";
        this.plainColour = select.value;
        select.addEventListener("change", () => {
            if (!select.value.startsWith("unit "))
                this.plainColour = select.value;
            session.showUnit(select.value.startsWith("unit ") ? Number(select.value.slice(5)) : null);
        });
    }
    /** The colours of all rows and what they mean, where they changed. */
    recolour() {
        const { session } = this;
        const { scene, explorer, unit } = session;
        const select = element("colour", HTMLSelectElement);
        if (unit !== null)
            select.value = `unit ${unit}`;
        else if (select.value.startsWith("unit "))
            select.value = this.plainColour;
        if (this.colouredBy === select.value)
            return;
        this.colouredBy = select.value;
        this.drawn = "";
        const legend = element("legend", HTMLElement);
        legend.replaceChildren();
        if (select.value === "label" && scene.group) {
            const palette = inks(groupColours(matchMedia("(prefers-color-scheme: dark)").matches));
            this.colours = Uint32Array.from(scene.group, group => palette[group % palette.length] ?? 0);
            for (const [group, name] of scene.groups.entries())
                legend.append(this.legendOf(group, name, palette[group] ?? 0));
            return;
        }
        const numbers = unit === null ? Float32Array.from(scene.errors) : explorer.unitValues(unit);
        this.colours = inks(explorer.paintNumbers(numbers));
        legend.textContent = unit === null ? "From dark for a small error to yellow for a large one." : `From dark for the least of unit ${unit} to yellow for the most.`;
    }
    legendOf(group, name, ink) {
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
    fit() {
        const { places } = this.projection;
        const { clientWidth: width, clientHeight: height } = this.marks;
        const ends = [0, 1].map(axis => {
            const along = places.filter((_, at) => at % 2 === axis).sort();
            const cut = Math.floor(along.length / 500);
            return [along[cut] ?? 0, along[along.length - 1 - cut] ?? 0];
        });
        const [[left, right], [below, above]] = ends;
        this.middle = [(left + right) / 2, (below + above) / 2];
        const scale = Math.min(width / ((right - left) || 1), height / ((above - below) || 1)) / 1.1;
        this.scale = this.wholeScale = scale > 0 && Number.isFinite(scale) ? scale : 1;
        this.touched = false;
    }
    /** From a place on the map to units of the page. */
    onPage(right, up) {
        const { clientWidth, clientHeight } = this.marks;
        return [clientWidth / 2 + (right - this.middle[0]) * this.scale, clientHeight / 2 - (up - this.middle[1]) * this.scale];
    }
    onMap(x, y) {
        const { clientWidth, clientHeight } = this.marks;
        return [this.middle[0] + (x - clientWidth / 2) / this.scale, this.middle[1] - (y - clientHeight / 2) / this.scale];
    }
    /** Moves the map by units of the page. */
    pan(x, y) {
        this.touched = true;
        this.middle = [this.middle[0] - x / this.scale, this.middle[1] + y / this.scale];
        this.session.again();
    }
    /** Zooms about a place on the page, or about the middle. */
    zoom(factor, about) {
        const [x, y] = about ?? [this.marks.clientWidth / 2, this.marks.clientHeight / 2];
        const [right, up] = this.onMap(x, y);
        this.touched = true;
        this.scale = Math.min(1000 * this.wholeScale, Math.max(this.wholeScale / 10, this.scale * factor));
        const [moved, lifted] = this.onMap(x, y);
        this.middle = [this.middle[0] + right - moved, this.middle[1] + up - lifted];
        this.session.again();
    }
    draw() {
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
    mask() {
        const { selected, scene } = this.session;
        if (this.selectedOf === selected)
            return;
        this.selectedOf = selected;
        this.selection = new Uint8Array(scene.rows);
        for (const row of selected)
            this.selection[row] = 1;
    }
    drawPoints() {
        const { points, projection: { rows, places }, colours, selection, middle, dots: old } = this;
        const ratio = devicePixelRatio;
        const [width, height] = [Math.round(points.clientWidth * ratio), Math.round(points.clientHeight * ratio)];
        if (width === 0 || height === 0)
            return;
        if (points.width !== width)
            points.width = width;
        if (points.height !== height)
            points.height = height;
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
            const x = Math.round(left + places[2 * at] * scale), y = Math.round(top - places[2 * at + 1] * scale);
            if (x < reach || y < reach || x >= width - reach || y >= height - reach)
                continue;
            const row = rows[at];
            const ink = colours[row];
            const share = some && selection[row] === 0 ? 26 : strong;
            dots[y * width + x] = at + 1;
            const redBlue = ink & 0xff00ff, green = ink & 0xff00;
            for (let down = -reach; down <= reach; down++) {
                const across = wide[down + reach];
                for (let place = (y + down) * width + x - across; place <= (y + down) * width + x + across; place++) {
                    const below = pixels[place];
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
    drawMarks() {
        const { session } = this;
        const { pen } = fitted(this.marks);
        const ring = (place, size, ink, word) => {
            pen.lineWidth = 4;
            pen.strokeStyle = colour("--paper");
            pen.beginPath();
            pen.arc(place[0], place[1], size, 0, 2 * Math.PI);
            pen.stroke();
            pen.lineWidth = 2;
            pen.strokeStyle = ink;
            pen.stroke();
            if (word === "")
                return;
            pen.font = "600 13px system-ui, sans-serif";
            pen.lineWidth = 4;
            pen.strokeStyle = colour("--paper");
            pen.strokeText(word, place[0] + size + 4, place[1] - size);
            pen.fillStyle = ink;
            pen.fillText(word, place[0] + size + 4, place[1] - size);
        };
        for (const [end, row] of session.ends.entries()) {
            const place = row === null ? null : this.placeOf(row);
            if (place)
                ring(place, 6, colour("--ink"), end === 0 ? "from" : "to");
        }
        const place = this.placeShown();
        if (place)
            ring(place, 8, colour("--orange"), "");
        const hovered = this.hovered === null ? null : this.placeOf(this.hovered);
        if (hovered)
            ring(hovered, 6, colour("--blue"), "");
        if (this.lasso.length > 1) {
            pen.beginPath();
            for (const [right, up] of this.lasso)
                pen.lineTo(...this.onPage(right, up));
            pen.closePath();
            pen.fillStyle = "rgb(0 114 178 / 12%)";
            pen.fill();
            pen.lineWidth = 2;
            pen.strokeStyle = colour("--blue");
            pen.stroke();
        }
    }
    describe() {
        const { session, projection } = this;
        const some = session.scene.rows < session.scene.all ? `${count(session.scene.rows, "row")} of ${session.scene.all.toLocaleString("en")}` : count(session.scene.rows, "row");
        const [right = 0, up = 0] = session.explorer.shares();
        element("map-words", HTMLElement).textContent = projection.plane
            ? `${some} by the two directions in which codes vary most: ${Math.round(100 * right)} % of their variance to the right, ${Math.round(100 * up)} % upwards. Dragging decodes any place.`
            : `${count(projection.rows.length, "row")}, placed by t-SNE: rows with similar codes stand together; how far groups are apart says little. Dragging goes from row to row.`;
    }
    /** Where a row lies on the page; none where it is not on this map. */
    placeOf(row) {
        const { rows, places, plane } = this.projection;
        const at = plane ? row : rows.indexOf(row);
        return at < 0 ? null : this.onPage(places[2 * at], places[2 * at + 1]);
    }
    placeShown() {
        const { session } = this;
        if (this.projection.plane) {
            const [right = 0, up = 0] = session.explorer.place(session.code);
            return this.onPage(right, up);
        }
        return session.row === null ? null : this.placeOf(session.row);
    }
    /** The row whose dot is nearest to a place on the page, within reach. */
    rowAt(x, y) {
        const ratio = devicePixelRatio;
        const { width, height } = this.points;
        const [column, line] = [Math.round(x * ratio), Math.round(y * ratio)];
        const reach = Math.round(REACH * ratio);
        let best = reach * reach + 1, found = null;
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
    nearestRow([right, up]) {
        const { rows, places } = this.projection;
        let best = Infinity, found = 0;
        for (let at = 0; at < rows.length; at++) {
            const distance = (places[2 * at] - right) ** 2 + (places[2 * at + 1] - up) ** 2;
            if (distance < best)
                [best, found] = [distance, rows[at]];
        }
        return found;
    }
    /** Shows what is at a place: what the plane decodes to, or the nearest row where places have no codes. */
    showPlace(place) {
        if (this.projection.plane)
            this.session.showCode(this.session.explorer.codeAt(...place));
        else
            this.session.showRow(this.nearestRow(place));
    }
    listen() {
        const { marks } = this;
        let last = null;
        let moved = false;
        let tool = "decode";
        const at = (event) => [event.offsetX, event.offsetY];
        for (const radio of document.querySelectorAll("input[name=tool]")) {
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
            if (!moved && Math.hypot(here[0] - last[0], here[1] - last[1]) < 4)
                return;
            moved = true;
            this.hover(null, here);
            if (tool === "move")
                this.pan(here[0] - last[0], here[1] - last[1]);
            if (tool === "decode")
                this.showPlace(this.onMap(...here));
            if (tool === "lasso")
                this.lasso.push(this.onMap(...here));
            last = here;
            this.session.again();
        });
        const end = (event) => {
            if (!last)
                return;
            last = null;
            if (moved) {
                if (tool === "lasso")
                    this.choose();
                return;
            }
            const row = this.rowAt(...at(event));
            if (row !== null)
                this.session.showRow(row);
            else if (tool === "decode")
                this.showPlace(this.onMap(...at(event)));
        };
        marks.addEventListener("pointerup", end);
        marks.addEventListener("pointercancel", () => { last = null; this.lasso = []; });
        marks.addEventListener("pointerleave", event => this.hover(null, at(event)));
        marks.addEventListener("wheel", event => {
            event.preventDefault();
            this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 0 ? 0.0015 : 0.05)), at(event));
        }, { passive: false });
        marks.addEventListener("keydown", event => {
            const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
            if (step && event.shiftKey)
                this.pan(-40 * step[0], -40 * step[1]);
            else if (step) {
                const [x, y] = this.placeShown() ?? [marks.clientWidth / 2, marks.clientHeight / 2];
                this.step([x, y], step);
            }
            else if (event.key === "+" || event.key === "=")
                this.zoom(1.4, null);
            else if (event.key === "-")
                this.zoom(1 / 1.4, null);
            else if (event.key === "0") {
                this.fit();
                this.session.again();
            }
            else if (event.key === "Enter") {
                const place = this.placeShown();
                if (place)
                    this.session.showRow(this.nearestRow(this.onMap(...place)));
            }
            else
                return;
            event.preventDefault();
        });
    }
    /** One step by an arrow key: along the plane, or to the nearest row on that side. */
    step([x, y], [across, down]) {
        if (this.projection.plane) {
            this.showPlace(this.onMap(x + 10 * across, y + 10 * down));
            return;
        }
        const { rows, places } = this.projection;
        let best = Infinity, found = null;
        for (let at = 0; at < rows.length; at++) {
            const [px, py] = this.onPage(places[2 * at], places[2 * at + 1]);
            const along = (px - x) * across + (py - y) * down;
            const aside = Math.abs((px - x) * down) + Math.abs((py - y) * across);
            // Twice as far aside as ahead is another direction.
            if (along > 1 && aside < 2 * along && along + 2 * aside < best)
                [best, found] = [along + 2 * aside, rows[at]];
        }
        if (found !== null)
            this.session.showRow(found);
    }
    tool() {
        return document.querySelector("input[name=tool]:checked")?.value ?? "decode";
    }
    hover(row, [x, y]) {
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
                if (session.drawn)
                    drawRow(session, picture, session.explorer.row(row));
            }
        }
        const left = x + 16 + tip.offsetWidth > this.marks.clientWidth ? x - 16 - tip.offsetWidth : x + 16;
        tip.style.left = `${Math.max(0, left)}px`;
        tip.style.top = `${Math.max(0, Math.min(y + 12, this.marks.clientHeight - tip.offsetHeight - 4))}px`;
    }
    /** Selects the rows within the lasso. */
    choose() {
        const { rows, places } = this.projection;
        const corners = this.lasso;
        const found = [];
        for (let at = 0; at < rows.length; at++) {
            const [x, y] = [places[2 * at], places[2 * at + 1]];
            let inside = false;
            for (let corner = 0, before = corners.length - 1; corner < corners.length; before = corner++) {
                const [[ax, ay], [bx, by]] = [corners[corner], corners[before]];
                if (ay > y !== by > y && x < (bx - ax) * (y - ay) / (by - ay) + ax)
                    inside = !inside;
            }
            if (inside)
                found.push(rows[at]);
        }
        this.lasso = [];
        this.session.select(Uint32Array.from(found));
    }
}
