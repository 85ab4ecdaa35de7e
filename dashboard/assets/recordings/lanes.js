// @ts-check
/* Tracks over time: a lane for each track, one for all together, and one for coverage. */
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { LABELS, labelName, legend } from "../kit/expressions.js";
import { number, tenths } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _, n_, pair } from "../kit/language.js";
import { LanePainter } from "./lane_canvas.js";

/** @typedef {import("./lane_canvas.js").Band} Band */
/** @typedef {import("./lane_canvas.js").Bucket} Bucket */
/** @typedef {{ track: number, parts: Band[] }} Lane */

const LANES_PER_PAGE = 20;
const HELP = _(
  "A track is one face, followed as long as it stays in the picture; a face that comes " +
    "back is a new track. Click a lane to go to that position.",
);

export class Lanes {
  #onSeek;
  #spanS = 1;
  /** @type {Lane[]} */
  #lanes = [];
  /** @type {Bucket[]} */
  #buckets = [];
  #leftOut = 0;
  #firstLane = 0;
  /** @type {((painter: LanePainter) => void)[]} */
  #painted = [];
  #playhead = make("i", { class: "playhead", "aria-hidden": "true" });
  #rows = make("div", { class: "lanes" });
  #pager = make("div", { class: "toolbar" });
  #resolution = make("p", { class: "help" });

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {(seconds: number) => void} onSeek
   */
  constructor(lifetime, onSeek) {
    this.#onSeek = onSeek;
    this.node = make(
      "section",
      { class: "panel", "aria-label": _("Lanes") },
      make("h2", { text: _("Tracks over time") }),
      legend(),
      this.#rows,
      this.#pager,
      make("p", { class: "help", text: HELP }),
      this.#resolution,
    );
    lifetime.listen(window, "resize", () => this.#paint());
    lifetime.onTheme(() => this.#paint());
  }

  /**
   * @param {{ lanes: Lane[], buckets: Bucket[], left_out: number, step_s: number }} details
   * @param {number} spanS
   */
  update({ lanes, buckets, left_out: leftOut, step_s: stepS }, spanS) {
    this.#spanS = spanS;
    this.#lanes = lanes;
    this.#buckets = buckets;
    this.#leftOut = leftOut;
    this.#resolution.hidden = !stepS;
    this.#resolution.textContent = _(
      "The run is long: each {number} s of a lane has the label shown longest. The " +
        "downloads have every frame.",
      { number: number(stepS) },
    );
    this.#draw();
  }

  /** @param {number} share Of the recording. */
  setPlayhead(share) {
    this.#playhead.style.setProperty("--at", String(share));
  }

  #draw() {
    const shown = this.#lanes.slice(this.#firstLane, this.#firstLane + LANES_PER_PAGE);
    this.#painted = [];
    this.#rows.replaceChildren(
      this.#row(_("All"), _("shares of all tracks"), (painter, canvas) =>
        painter.paintBands(canvas, stackedShares(this.#buckets)),
      ),
      ...shown.map((lane) =>
        this.#row(_("Track {track}", { track: lane.track }), labelTimes(lane), (painter, canvas) =>
          painter.paintBands(canvas, lane.parts),
        ),
      ),
      this.#row(_("Frames"), _("where frames were analysed"), (painter, canvas) =>
        painter.paintCoverage(canvas, this.#buckets),
      ),
      this.#playhead,
    );
    redrawKeepingFocus(this.#pager, () => this.#drawPager());
    this.#paint();
  }

  /**
   * @param {string} name
   * @param {string} description For assistive software.
   * @param {(painter: LanePainter, canvas: HTMLCanvasElement) => void} paint
   */
  #row(name, description, paint) {
    const canvas = make("canvas", {
      role: "img",
      "aria-label": pair(name, description),
      onclick: (/** @type {MouseEvent} */ event) => {
        const box = canvas.getBoundingClientRect();
        this.#onSeek((this.#spanS * (event.clientX - box.left)) / box.width);
      },
    });
    canvas.height = 1;
    this.#painted.push((painter) => paint(painter, canvas));
    return make(
      "div",
      { class: name === _("All") ? "lane lane-all" : "lane" },
      make("span", { class: "lane-name", text: name }),
      canvas,
    );
  }

  #drawPager() {
    const total = this.#lanes.length;
    const last = Math.min(this.#firstLane + LANES_PER_PAGE, total);
    const turn = (/** @type {number} */ by) => {
      this.#firstLane += by;
      this.#draw();
    };
    const shown = { first: this.#firstLane + 1, last, total };
    const text = this.#leftOut
      ? n_(
          "Tracks {first} to {last} of {total}; {count} shorter not shown",
          "Tracks {first} to {last} of {total}; {count} shorter not shown",
          this.#leftOut,
          shown,
        )
      : _("Tracks {first} to {last} of {total}", shown);
    this.#pager.hidden = total <= LANES_PER_PAGE && !this.#leftOut;
    this.#pager.replaceChildren(
      quietButton(_("Previous tracks"), () => turn(-LANES_PER_PAGE), {
        disabled: this.#firstLane === 0,
        "data-key": "previous",
      }),
      quietButton(_("Next tracks"), () => turn(LANES_PER_PAGE), {
        disabled: last >= total,
        "data-key": "next",
      }),
      make("span", { class: "soft", text }),
    );
  }

  #paint() {
    const painter = new LanePainter(this.#spanS);
    for (const paint of this.#painted) paint(painter);
  }
}

/**
 * How long a track had each label, in words.
 * @param {Lane} lane
 */
function labelTimes({ parts }) {
  /** @type {Record<string, number>} */
  const seconds = {};
  for (const { label, begin_s: begin, end_s: end } of parts) {
    seconds[label] = (seconds[label] ?? 0) + end - begin;
  }
  return Object.entries(seconds)
    .sort(([, a], [, b]) => b - a)
    .map(([label, time]) =>
      _("{label} {seconds} s", { label: labelName(label), seconds: tenths(time) }),
    )
    .join(", ");
}

/**
 * The shares of all tracks in each bucket, stacked. A bucket without faces stays empty.
 * @param {Bucket[]} buckets
 * @returns {Band[]}
 */
const stackedShares = (buckets) =>
  buckets.flatMap(({ start_s: begin, end_s: end, emotions }) => {
    const total = Object.values(emotions).reduce((sum, seconds) => sum + seconds, 0);
    let from = 0;
    return LABELS.filter((label) => total && emotions[label]).map((label) => {
      const band = { begin_s: begin, end_s: end, label, from, to: from + emotions[label] / total };
      from = band.to;
      return band;
    });
  });
