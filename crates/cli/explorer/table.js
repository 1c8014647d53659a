// A row of a table: its values to change, what came back, and each column's error.
import { element, make, short } from "./page.js";
import { cell, moment } from "./scene.js";
/** Columns that are listed. */
const MOST = 500;
export class Table {
    session;
    lines = [];
    constructor(session) {
        this.session = session;
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
        for (const [column, name] of names.entries())
            body.append(this.line(column, name));
        const top = make("thead");
        top.append(head);
        table.append(top, body);
        box.append(table);
        if (names.length < session.scene.columns.length)
            box.append(make("p", `The first ${MOST} of ${session.scene.columns.length} columns.`, "faint"));
    }
    line(column, name) {
        const line = make("tr");
        const head = make("th", name);
        head.scope = "row";
        const input = this.control(column);
        input.setAttribute("aria-label", name);
        input.addEventListener("input", () => {
            const value = this.valueOf(column, input);
            if (!Number.isFinite(Math.fround(value)))
                return;
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
    /** What a value is changed with: a choice among words, a date, or a number. */
    control(column) {
        const field = this.session.scene.fields[column];
        const words = field?.kind === "categorical" ? [...field.levels, "(other)"] : field?.kind === "boolean" ? ["false", "true"] : null;
        if (words) {
            const choice = make("select");
            for (const [at, word] of words.entries()) {
                const option = make("option", word);
                option.value = String(at);
                choice.append(option);
            }
            return choice;
        }
        const input = make("input");
        input.type = field?.kind === "date" ? "datetime-local" : "number";
        input.step = "any";
        return input;
    }
    valueOf(column, input) {
        // A date without an offset is universal time here, as everywhere in a model.
        if (this.session.scene.fields[column]?.kind === "date")
            return Date.parse(`${input.value}Z`) / 86_400_000;
        return input instanceof HTMLInputElement ? input.valueAsNumber : Number(input.value);
    }
    text(column, value) {
        if (Number.isNaN(value))
            return "";
        switch (this.session.scene.fields[column]?.kind) {
            case "categorical":
            case "boolean": return String(Math.round(value));
            case "date": return moment(value);
            default: return String(Number(value.toPrecision(7)));
        }
    }
    draw() {
        const { input, output, errors } = this.session;
        const most = Math.max(1e-12, ...(errors?.slice(0, MOST) ?? []));
        for (const [column, line] of this.lines.entries()) {
            if (document.activeElement !== line.input)
                line.input.value = input ? this.text(column, input[column]) : "";
            if (line.input instanceof HTMLInputElement)
                line.input.placeholder = input ? "" : cell(this.session.scene, column, output[column]);
            line.output.textContent = cell(this.session.scene, column, output[column]);
            const error = errors?.[column];
            line.bar.style.width = `${error === undefined ? 0 : 100 * error / most}%`;
            line.error.textContent = error === undefined ? "" : short(error);
        }
    }
}
