// @ts-check
/* The tracks in view of one source: a row each, which opens to seven bars. */
import { arrange, make, setText } from "../kit/dom.js";
import { barTrack, frameBars, labelName, swatch } from "../kit/expressions.js";
import { percent } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";

/**
 * @typedef {object} Reading
 * @property {number} track
 * @property {string} label
 * @property {number} confidence
 * @property {Record<string, number>} shares By expression.
 */

const MAX_ROWS = 3;

/** One track. Its elements stay as long as the row, so that an update moves no focus. */
class TrackRow {
  isOpen = false;
  hasEnded = false;
  /** @type {Reading} */
  reading;
  #name = make("span", { class: "reading-who" });
  #label = make("span", { class: "reading-what" });
  #track = make("span");
  #share = make("span", { class: "bar-share" });
  #bars = make("div", { class: "seven" });

  /**
   * @param {Reading} reading
   * @param {(row: TrackRow) => void} onToggle
   * @param {(row: TrackRow) => void} onFocusLeft
   */
  constructor(reading, onToggle, onFocusLeft) {
    this.reading = reading;
    this.button = make(
      "button",
      {
        type: "button",
        class: "reading",
        "data-track": reading.track,
        // A row may move while it is pressed, as when the track above it ends.
        onpointerdown: (/** @type {PointerEvent} */ event) =>
          this.button.setPointerCapture(event.pointerId),
        onclick: () => {
          this.isOpen = !this.isOpen;
          onToggle(this);
        },
        // Later, when it is known whether the button was only moved, or the window left.
        onblur: () =>
          queueMicrotask(() => {
            if (document.activeElement !== this.button) onFocusLeft(this);
          }),
      },
      this.#name,
      this.#label,
      this.#track,
      this.#share,
    );
    this.node = make("div", {}, this.button, this.#bars);
  }

  /** Whether a person may be reading it: then it outlives its track. */
  get isInUse() {
    return this.isOpen || this.button === document.activeElement;
  }

  draw() {
    const { track, label, confidence, shares } = this.reading;
    this.node.className = this.isOpen ? "reading-open" : "";
    this.node.classList.toggle("ended", this.hasEnded);
    this.button.setAttribute("aria-expanded", String(this.isOpen));
    setText(this.#name, _("Track {track}", { track }));
    this.#label.replaceChildren(swatch(label), make("span", { text: labelName(label) }));
    const fresh = barTrack(label, confidence);
    this.#track.replaceWith(fresh);
    this.#track = fresh;
    setText(this.#share, this.hasEnded ? _("ended") : percent(confidence));
    this.#bars.hidden = !this.isOpen;
    this.#bars.replaceChildren(...(this.isOpen ? frameBars(shares) : []));
  }
}

/** The rows of a source: the first three tracks, those in use, and a button for the others. */
export class TrackRows {
  node = make("div", { class: "rows" });
  /** @type {Map<number, TrackRow>} */
  #rows = new Map();
  /** @type {Reading[] | null} */
  #readings = null;
  #showsAll = false;
  #nobody = make("p", { class: "soft", text: _("No face in view.") });
  #more = make("button", {
    type: "button",
    class: "more",
    onclick: () => {
      this.#showsAll = !this.#showsAll;
      this.#draw();
    },
  });

  /**
   * Show the newest readings; null if none are known.
   * @param {Reading[] | null} readings
   */
  update(readings) {
    this.#readings = readings;
    for (const row of this.#rows.values()) row.hasEnded = true;
    for (const reading of readings ?? []) {
      const row = this.#rows.get(reading.track) ?? this.#newRow(reading);
      row.reading = reading;
      row.hasEnded = false;
    }
    for (const row of this.#rows.values()) if (row.hasEnded && !row.isInUse) this.#remove(row);
    this.#draw();
  }

  /** @param {Reading} reading */
  #newRow(reading) {
    const row = new TrackRow(
      reading,
      (toggled) => {
        if (toggled.hasEnded && !toggled.isInUse) this.#remove(toggled);
        this.#draw();
      },
      (left) => {
        if (!left.hasEnded) return;
        this.#remove(left);
        this.#draw();
      },
    );
    this.#rows.set(reading.track, row);
    return row;
  }

  /** @param {TrackRow} row */
  #remove(row) {
    this.#rows.delete(row.reading.track);
  }

  #draw() {
    const rows = [...this.#rows.values()]; // As they came: none changes its place.
    const live = rows.filter((row) => !row.hasEnded);
    const ended = rows.filter((row) => row.hasEnded);
    const shown = live.filter((row, index) => this.#showsAll || index < MAX_ROWS || row.isInUse);
    for (const row of [...shown, ...ended]) row.draw();
    /** @type {ChildNode[]} */
    const nodes = [...shown, ...ended].map((row) => row.node);
    if (this.#readings && !live.length) nodes.unshift(this.#nobody);
    if (live.length > MAX_ROWS) {
      const hidden = live.length - shown.length;
      setText(this.#more, this.#showsAll ? _("Fewer") : n_("{count} more", "{count} more", hidden));
      if (this.#showsAll || live.length > shown.length) nodes.push(this.#more);
    }
    arrange(this.node, nodes);
  }
}
