// What is shown, and the one way in which it changes: an action says what is wanted, the next frame computes it, views draw it.
export class Session {
    explorer;
    scene;
    trouble;
    facts;
    units;
    /** The row that the input is, where it is one. */
    row = null;
    /** What is to be recreated; none where only a code is shown. */
    input = null;
    /** By which seed the input is corrupted, if it is. */
    noise = null;
    /** Whether the code was changed by hand since the input was encoded. */
    changed = false;
    /** How many rows, inputs and codes were asked for so far: a walk ends when somebody else asks. */
    turn = 0;
    /** The input as the encoder sees it. */
    seen = null;
    code;
    output;
    /** The squared error of each number of the input; none without an input. */
    errors = null;
    /** The rows between which the walk goes. */
    ends = [null, null];
    /** Rows that are selected on the map. */
    selected = new Uint32Array();
    /** The unit that colours the map, where one does. */
    unit = null;
    /** How long the last frame took to compute and to draw, in milliseconds. */
    took = 0;
    views = [];
    wanted = "nothing";
    frame = null;
    constructor(explorer, scene, trouble) {
        this.explorer = explorer;
        this.scene = scene;
        this.trouble = trouble;
        this.facts = JSON.parse(explorer.facts());
        this.units = JSON.parse(explorer.units());
        this.code = this.meanCode();
        this.output = explorer.decode(this.code);
    }
    /** Calls a view in each frame in which something changed. */
    onChange(view) {
        this.views.push(view);
    }
    meanCode() {
        return Float32Array.from(this.units, unit => unit.mean);
    }
    /** Shows a row of the data. */
    showRow(row) {
        this.row = row;
        this.input = this.explorer.row(row);
        this.want("encode");
    }
    /** Shows numbers that are no row of the data. */
    showInput(input) {
        this.row = null;
        this.input = input;
        this.want("encode");
    }
    /** Shows what a code stands for; the input stays where the code is a change of its own code. */
    showCode(code, keepInput = false) {
        this.code = code;
        this.changed = keepInput && this.input !== null;
        if (!keepInput) {
            this.row = null;
            this.input = null;
            this.seen = null;
        }
        this.want("decode");
    }
    showNoise(seed) {
        this.noise = seed;
        this.want(this.input ? "encode" : "nothing");
    }
    select(rows) {
        this.selected = rows;
        this.want("nothing");
    }
    showUnit(unit) {
        this.unit = unit;
        this.want("nothing");
    }
    setEnd(end, row) {
        this.ends[end] = row;
        this.want("nothing");
    }
    /** Whether a row is a picture or a curve: a table's columns have nothing to do with each other. */
    get drawn() {
        return this.facts.channels > 0 || this.scene.curve;
    }
    /** How a row is called. */
    nameOf(row) {
        return this.scene.ids?.[row] ?? `row ${this.scene.numbers[row]}`;
    }
    /** The mean squared error of what is shown. */
    error() {
        return this.errors && this.errors.reduce((sum, error) => sum + error, 0) / this.errors.length;
    }
    /** When everything that is wanted so far is on the screen. */
    settled() {
        return this.frame ?? Promise.resolve();
    }
    /** Draws again in the next frame. */
    again() {
        this.want("nothing");
    }
    want(what) {
        if (what !== "nothing")
            this.turn++;
        if (what === "encode" || this.wanted === "nothing")
            this.wanted = what;
        // A code that was chosen after an input is the one that counts.
        if (what === "decode")
            this.wanted = "decode";
        this.frame ??= new Promise(done => requestAnimationFrame(() => {
            this.frame = null;
            this.guarded(() => this.next());
            done();
        }));
    }
    next() {
        const began = performance.now();
        const { explorer, input, wanted } = this;
        // What fails is not tried again by itself, and what was said of something else is over.
        this.wanted = "nothing";
        if (wanted !== "nothing")
            this.trouble(null);
        if (wanted === "encode" && input) {
            this.seen = this.noise === null ? input : explorer.corrupt(input, this.noise);
            const code = explorer.encode(this.seen);
            if (!code.every(Number.isFinite))
                throw new Error("these numbers are too far from those of the training to have a code");
            this.code = code;
            this.changed = false;
        }
        if (wanted !== "nothing") {
            this.output = explorer.decode(this.code);
            this.errors = input && explorer.errors(input, this.output);
        }
        for (const view of this.views)
            view();
        this.took = performance.now() - began;
    }
    /** What fails is said on the page. */
    guarded(act) {
        try {
            act();
        }
        catch (error) {
            this.trouble(error);
        }
    }
}
