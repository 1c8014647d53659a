// The way of what is shown through a convolutional network, as a tree, live.
import { colour, element, fitted, paint } from "./page.js";
import { drawRow } from "./picture.js";
/** Feature maps of a level that are shown. */
const SHOWN = 8;
const SIDE = 72;
const DOWN = 122;
const LEFT = 84;
/** Draws the tree while it is in sight, where the network has levels of feature maps. */
export function tree(session) {
    const section = element("tree", HTMLElement);
    const canvas = element("branches", HTMLCanvasElement);
    const { facts } = session;
    if (facts.channels === 0 || !hasMaps(session))
        return;
    section.hidden = false;
    let inSight = false;
    let shown = null;
    const draw = () => {
        // Whatever is shown anew has an output of its own.
        if (!inSight || session.output === shown)
            return;
        shown = session.output;
        drawTree(session, canvas, session.seen ?? session.output);
    };
    new IntersectionObserver(([entry]) => {
        inSight = entry?.isIntersecting ?? false;
        session.again();
    }).observe(section);
    new ResizeObserver(() => {
        shown = null;
        session.again();
    }).observe(canvas);
    session.onChange(draw);
}
function levelsOf(session, input) {
    const way = session.explorer.way(input, session.code);
    return { levels: JSON.parse(way.tree(SHOWN)), way };
}
function hasMaps(session) {
    const { levels, way } = levelsOf(session, session.output);
    way.free();
    return levels.some(level => level.kind === "maps");
}
function drawTree(session, canvas, input) {
    const { levels, way } = levelsOf(session, input);
    canvas.style.height = `${DOWN * levels.length}px`;
    const { pen, width } = fitted(canvas);
    const tile = new OffscreenCanvas(1, 1);
    const across = (at, all) => LEFT + (width - LEFT) * (at + 0.5) / all;
    const side = Math.min(SIDE, (width - LEFT) / SHOWN - 6);
    const top = (level) => DOWN * level + 18;
    pen.imageSmoothingEnabled = false;
    pen.strokeStyle = colour("--faint");
    for (const [at, level] of levels.entries()) {
        const above = levels[at - 1];
        if (!above)
            continue;
        for (const [place, branch] of level.branches.entries()) {
            if (branch.parent === null)
                continue;
            const [from, to] = [top(at - 1) + side + 14, top(at)];
            const [left, right] = [across(branch.parent, above.branches.length), across(place, level.branches.length)];
            pen.beginPath();
            pen.moveTo(left, from);
            pen.bezierCurveTo(left, (from + to) / 2, right, (from + to) / 2, right, to);
            pen.stroke();
        }
    }
    pen.font = "12px system-ui, sans-serif";
    for (const [at, level] of levels.entries()) {
        pen.fillStyle = colour("--faint");
        pen.textAlign = "left";
        pen.fillText(level.name, 0, top(at) + side / 2);
        pen.textAlign = "center";
        for (const [place, branch] of level.branches.entries()) {
            const x = across(place, level.branches.length);
            if (level.kind === "code") {
                bars(pen, way.values(at), x - side, top(at), 2 * side, side);
                continue;
            }
            if (level.kind === "row")
                drawRow(session, tile, at === 0 ? input : session.output);
            else
                paint(tile, way.paint(at, branch.map), level.width, level.height);
            pen.drawImage(tile, x - side / 2, top(at), side, side);
            if (level.kind === "maps")
                pen.fillText(branch.strength === 0 ? `${branch.map} silent` : String(branch.map), x, top(at) + side + 12);
        }
    }
    const strongest = levels.filter(level => level.kind === "maps").map(level => `${level.name}: ${level.branches.map(branch => branch.map).join(", ")}`);
    canvas.setAttribute("aria-label", `Strongest feature maps of each level. ${strongest.join(". ")}`);
    way.free();
}
/** A code as bars, up for positive, down for negative. */
function bars(pen, values, left, top, width, height) {
    const most = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
    pen.fillStyle = colour("--line");
    pen.fillRect(left, top + height / 2, width, 1);
    pen.fillStyle = colour("--blue");
    for (const [at, value] of values.entries()) {
        const length = value / most * height / 2;
        pen.fillRect(left + width * at / values.length, top + height / 2 - Math.max(0, length), Math.max(1, width / values.length - 1), Math.abs(length));
    }
}
