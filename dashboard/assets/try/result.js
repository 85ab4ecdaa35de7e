// @ts-check
/* The result of an image: a box and seven bars for each face. */
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { expressionBars, faceBox, labelName, largestShare, swatch } from "../kit/expressions.js";
import { percent } from "../kit/format.js";
import { _, n_, pair } from "../kit/language.js";

/**
 * @typedef {object} FoundFace
 * @property {number} x In shares of the image, as y, w and h.
 * @property {number} y
 * @property {number} w
 * @property {number} h
 * @property {string | null} label Null if uncertain.
 * @property {number} confidence
 * @property {Record<string, number>} shares By expression.
 * @property {string} why Why it is uncertain, or "".
 */
/** @typedef {{ width: number, height: number, faces: FoundFace[] }} ImageResult */

const MIN_WIDTH = 320;
const PROBABILITY_HELP = _(
  "Seven calibrated probabilities: of a hundred faces with 80 %, about eighty show " +
    "that expression. It is the expression in one image, not a feeling.",
);
const NO_FACE_HELP = _(
  "Faces are found from the front, upright, and from about a fortieth of the image's " +
    "width. Turned, covered and very small faces are missed.",
);

/**
 * @param {string} url Of the image.
 * @param {ImageResult} result
 * @returns {HTMLElement[]}
 */
export function resultContent(url, { width, height, faces }) {
  const text = summary(faces);
  const picture = make(
    "div",
    { class: "try-picture" },
    make("img", { src: url, alt: _("Your image. {text}", { text }) }),
    ...faces.map((face, index) => faceBox(face.label ?? "uncertain", String(index + 1), face)),
  );
  picture.style.maxWidth = `${Math.max(width * 2, MIN_WIDTH)}px`;
  picture.style.aspectRatio = `${width} / ${height}`;
  const help = faces.length ? PROBABILITY_HELP : NO_FACE_HELP;
  return [
    make("p", { class: "lead", role: "status", text }),
    make(
      "div",
      { class: "try-columns" },
      picture,
      make(
        "div",
        { class: "faces" },
        ...faces.map(facePanel),
        make("p", { class: "help", text: help }),
      ),
    ),
  ];
}

/** @param {FoundFace[]} faces */
function summary(faces) {
  if (!faces.length) return _("No face was found.");
  const uncertain = faces.filter((face) => !face.label).length;
  const count = faces.length;
  if (!uncertain) return n_("One face found.", "{count} faces found.", count);
  if (uncertain === count) {
    return n_(
      "One face found; its expression is uncertain.",
      "{count} faces found; their expressions are uncertain.",
      count,
    );
  }
  return n_(
    "{count} face found; the expression of {uncertain} is uncertain.",
    "{count} faces found; the expression of {uncertain} is uncertain.",
    count,
    { uncertain },
  );
}

/**
 * @param {FoundFace} face
 * @param {number} index
 */
function facePanel({ label, confidence, shares, why }, index) {
  const name = _("Face {number}", { number: index + 1 });
  const value = label
    ? _("{label}, {share}", { label: labelName(label), share: percent(confidence) })
    : labelName("uncertain");
  const likely = _("Most likely of the seven: {label}, {share}.", {
    label: labelName(largestShare(shares)),
    share: percent(confidence),
  });
  return make(
    "section",
    { class: "panel face", "aria-label": name },
    make("h2", {}, swatch(label ?? "uncertain"), make("span", { text: pair(name, value) })),
    why ? make("p", { class: "unsure", text: `${known(why)} ${likely}` }) : null,
    ...expressionBars(shares),
  );
}
