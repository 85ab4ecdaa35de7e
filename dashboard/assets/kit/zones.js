// @ts-check
/* Zones: polygons on a source's picture, and how they are drawn over it. */
import { make } from "./dom.js";
import { _, clauses, pair } from "./language.js";

/** @typedef {[number, number]} Point Fractions of the picture's width and height. */
/** @typedef {"include" | "exclude" | "mask"} Kind */
/** @typedef {{ kind: Kind, name: string, points: Point[] }} Zone */

/** @type {Record<Kind, { title: string, effect: string }>} */
export const KINDS = {
  include: { title: _("Include"), effect: _("only faces in here count") },
  exclude: { title: _("Exclude"), effect: _("faces in here do not count") },
  mask: { title: _("Privacy mask"), effect: _("black before anything is read or shown") },
};

/** @type {Record<Kind, (names: string) => string>} */
const NAMED = {
  include: (names) => _("include {names}", { names }),
  exclude: (names) => _("exclude {names}", { names }),
  mask: (names) => _("privacy mask {names}", { names }),
};

/**
 * @param {string} text
 * @returns {text is Kind}
 */
export const isKind = (text) => text in KINDS;

/**
 * The zones of a kind: "privacy mask desk, window".
 * @param {Kind} kind
 * @param {string} names
 */
export const zonesOfKind = (kind, names) => NAMED[kind](names);

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an element of an SVG picture. Null and false leave an attribute out.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null>} [attributes]
 * @param {Element[]} children
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

/**
 * The `points` of an SVG polygon.
 * @param {Point[]} points
 * @param {number} width Of the view box.
 * @param {number} height
 */
export const svgPoints = (points, width, height) =>
  points.map(([x, y]) => `${round(x * width)},${round(y * height)}`).join(" ");

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100;

/**
 * The outlines of the zones, and a veil over what is left out.
 * @param {Zone[]} zones
 * @param {number} width Of the picture.
 * @param {number} height
 * @param {string} id Of this drawing: unique in the page.
 */
export function zoneLayer(zones, width, height, id) {
  const shape = (/** @type {Zone} */ { points }, /** @type {string} */ style) =>
    svg("polygon", { points: svgPoints(points, width, height), class: style });
  const of = (/** @type {Kind} */ kind) => zones.filter((zone) => zone.kind === kind);
  const whole = { width, height };
  const veil = svg(
    "mask",
    { id: `veil-${id}`, maskUnits: "userSpaceOnUse", x: 0, y: 0, ...whole },
    svg("rect", { ...whole, class: of("include").length ? "veil-drawn" : "veil-open" }),
    ...of("include").map((zone) => shape(zone, "veil-open")),
    ...of("exclude").map((zone) => shape(zone, "veil-drawn")),
  );
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "zone-layer", "aria-hidden": "true" },
    svg("defs", {}, hatch(id, width), veil),
    svg("rect", { ...whole, fill: `url(#hatch-${id})`, mask: `url(#veil-${id})` }),
    ...zones.flatMap((zone) => [
      shape(zone, `zone-edge zone-${zone.kind}`),
      shape(zone, `zone-line zone-${zone.kind}`),
    ]),
  );
}

/**
 * Diagonal lines, on a dark veil.
 * @param {string} id
 * @param {number} width Of the picture.
 */
function hatch(id, width) {
  const size = Math.max(width / 48, 6);
  return svg(
    "pattern",
    {
      id: `hatch-${id}`,
      width: size,
      height: size,
      patternUnits: "userSpaceOnUse",
      patternTransform: "rotate(45)",
    },
    svg("rect", { width: size, height: size, class: "veil-back" }),
    svg("rect", { width: size / 4, height: size, class: "veil-stripe" }),
  );
}

/**
 * What the kinds look like, and mean.
 * @param {Kind[]} kinds
 */
export const legend = (kinds) =>
  make(
    "ul",
    { class: "zone-legend" },
    ...kinds.map((kind) =>
      make(
        "li",
        {},
        make("i", { class: `zone-chip chip-${kind}`, "aria-hidden": "true" }),
        make("span", { text: pair(KINDS[kind].title, KINDS[kind].effect) }),
      ),
    ),
  );

/**
 * The zones of a source in words, and its smallest face; "" without any.
 * @param {Zone[]} zones
 * @param {number | null} minFace Pixels.
 */
export function zonesText(zones, minFace) {
  const named = /** @type {Kind[]} */ (Object.keys(KINDS)).flatMap((kind) => {
    const names = zones.filter((zone) => zone.kind === kind).map((zone) => zone.name);
    return names.length ? NAMED[kind](names.join(", ")) : [];
  });
  const text = clauses(named);
  const faces = minFace ? _("Faces from {pixels} pixels.", { pixels: minFace }) : "";
  return [text ? _("Zones: {zones}.", { zones: text }) : "", faces].filter(Boolean).join(" ");
}
