// Small things that every view does.
/** The element of this name; its absence is a fault of the page. */
export function element(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof kind))
        throw new Error(`the page has no ${kind.name} ${id}`);
    return found;
}
/** A new element with words in it; words are never read as HTML. */
export function make(name, words = "", className = "") {
    const made = document.createElement(name);
    made.textContent = words;
    made.className = className;
    return made;
}
export function context(canvas) {
    const found = canvas.getContext("2d");
    if (!found)
        throw new Error("this browser draws no canvas");
    return found;
}
/** Paints pixels on a canvas, which takes their size. */
export function paint(canvas, pixels, width, height) {
    if (canvas.width !== width)
        canvas.width = width;
    if (canvas.height !== height)
        canvas.height = height;
    context(canvas).putImageData(new ImageData(new Uint8ClampedArray(pixels), width, height), 0, 0);
}
/** Gives a canvas the pixels of the screen that it covers; the context counts in units of the page. */
export function fitted(canvas) {
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = devicePixelRatio;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide)
        canvas.width = wide;
    if (canvas.height !== high)
        canvas.height = high;
    const pen = context(canvas);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return { pen, width, height };
}
/** A colour of the style sheet. */
export function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
/** A number in a few digits. */
export function short(value) {
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e6))
        return value.toExponential(2);
    return String(Number(value.toPrecision(4)));
}
/** Words after a number, in the plural where it is not one. */
export function count(number, word) {
    return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}
/** What to do when one of the elements by these names is pressed. */
export function onClick(id, act) {
    const button = element(id, HTMLButtonElement);
    button.addEventListener("click", act);
    return button;
}
