// @ts-check
/* Expressions: their order on a page, and their shares as bars. */
import { make } from "./dom.js";
import { percent } from "./format.js";
import { _ } from "./language.js";

/** The seven expressions as pages show them, by valence. */
const EXPRESSIONS = ["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry"];
/** All labels, in the order of a stack. */
export const LABELS = [...EXPRESSIONS, "uncertain"];
/** The order of a list of probabilities from the server. */
export const MODEL_ORDER = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];

/** @type {Record<string, string>} */
const NAMES = {
  angry: _("angry"),
  disgust: _("disgust"),
  fear: _("fear"),
  happy: _("happy"),
  sad: _("sad"),
  surprise: _("surprise"),
  neutral: _("neutral"),
  uncertain: _("uncertain"),
};

/**
 * The name of an expression, or of uncertain, as pages show it.
 * @param {string} label
 */
export const labelName = (label) => NAMES[label] ?? label;

/**
 * A square in the label's colour.
 * @param {string} label
 */
export const swatch = (label) =>
  make("span", { class: `swatch swatch-${label}`, "aria-hidden": "true" });

/**
 * The coloured part of a bar.
 * @param {string} label
 * @param {number} share Of 1.
 */
export function barTrack(label, share) {
  const fill = make("span", { class: `bar-fill swatch-${label}` });
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  return make("span", { class: "bar-track", "aria-hidden": "true" }, fill);
}

/**
 * Seven bars; the largest share is bold.
 * @param {Record<string, number>} shares By expression.
 */
export function expressionBars(shares) {
  const largest = largestShare(shares);
  return EXPRESSIONS.map((label) =>
    make(
      "div",
      { class: label === largest ? "bar strong" : "bar" },
      make("span", { class: "bar-name", text: labelName(label) }),
      barTrack(label, shares[label]),
      make("span", { class: "bar-share", text: percent(shares[label]) }),
    ),
  );
}

/**
 * Seven bars of one frame, below a label that is smoothed along its track: their percentages differ.
 * @param {Record<string, number>} shares By expression.
 */
export const frameBars = (shares) => [
  make("p", {
    class: "bars-note",
    text: _("This frame alone. The label and its percentage are smoothed along the track."),
  }),
  ...expressionBars(shares),
];

/**
 * The expression with the largest share.
 * @param {Record<string, number>} shares By expression.
 */
export const largestShare = (shares) =>
  EXPRESSIONS.reduce((best, label) => (shares[label] > shares[best] ? label : best));

/** A legend of all labels. */
export const legend = () =>
  make(
    "ul",
    { class: "legend" },
    ...LABELS.map((label) =>
      make("li", {}, swatch(label), make("span", { text: labelName(label) })),
    ),
  );

/**
 * A box around a face, placed in shares of the picture.
 * @param {string} label
 * @param {string} name Shown at the box.
 * @param {{ x: number, y: number, w: number, h: number }} box
 */
export function faceBox(label, name, { x, y, w, h }) {
  const box = make(
    "span",
    { class: `face-box edge-${label}`, "aria-hidden": "true" },
    make("b", { text: name }),
  );
  const length = (/** @type {number} */ share) => `${(100 * share).toFixed(2)}%`;
  Object.assign(box.style, {
    left: length(x),
    top: length(y),
    width: length(w),
    height: length(h),
  });
  return box;
}
