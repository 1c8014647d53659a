// What the command wrote beside the page, fetched and checked.
import { short } from "./page.js";
/** What a number of a column stands for, in a few characters; nothing where there is no value. */
export function cell(scene, column, value) {
    if (Number.isNaN(value))
        return "";
    const field = scene.fields[column];
    switch (field?.kind) {
        case "categorical": return field.levels[value] ?? "(other)";
        case "boolean": return String(value >= 0.5);
        case "date": return moment(value).replace("T", " ");
        default: return short(value);
    }
}
/** Days since 1970 as a date and a time, to the minute. */
export function moment(days) {
    const time = new Date(Math.round(days * 1440) * 60_000);
    return Number.isNaN(time.getTime()) ? "" : time.toISOString().slice(0, 16);
}
async function file(name) {
    const answer = await fetch(name);
    if (!answer.ok)
        throw new Error(`${name} cannot be loaded: ${answer.status} ${answer.statusText}`);
    return answer;
}
/** The bytes of a file of a known length. */
export async function bytes(name, length) {
    const buffer = await (await file(name)).arrayBuffer();
    if (length !== null && buffer.byteLength !== length) {
        throw new Error(`${name} has ${buffer.byteLength} bytes; wanted ${length}: write the folder anew with ae explore`);
    }
    return buffer;
}
export async function scene() {
    return await (await file("scene.json")).json();
}
/** The map of neighbours; none where it was not made. */
export async function neighbours(of) {
    if (of.neighbours === 0)
        return null;
    const buffer = await bytes("neighbours.bin", 12 * of.neighbours);
    return { rows: new Uint32Array(buffer, 0, of.neighbours), places: new Float32Array(buffer, 4 * of.neighbours) };
}
/** What excites units; none where it was not made. */
export async function exciting(of) {
    if (of.exciting === 0)
        return null;
    const buffer = await bytes("exciting.bin", 4 * of.exciting * (of.features + 1));
    return { inputs: new Float32Array(buffer, 0, of.exciting * of.features), rows: new Uint32Array(buffer, 4 * of.exciting * of.features) };
}
