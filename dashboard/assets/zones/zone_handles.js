// @ts-check
/* The handles of a zone: buttons on the picture, at its corners and between them. */
import { make } from "../kit/dom.js";
import { percentText, tenths } from "../kit/format.js";
import { _ } from "../kit/language.js";

/** @typedef {import("../kit/zones.js").Point} Point */

/**
 * A handle at a point of the picture.
 * @param {string} style
 * @param {Point} point
 * @param {string} label
 * @param {string} key
 * @param {Record<string, unknown>} options
 */
export function handle(style, point, label, key, options) {
  const node = make("button", {
    type: "button",
    class: `zone-handle ${style}`,
    "aria-label": label,
    title: label,
    "data-key": key,
    ...options,
  });
  putAt(node, point);
  return node;
}

/**
 * @param {HTMLElement} node
 * @param {Point} point
 */
export function putAt(node, [x, y]) {
  node.style.left = `${100 * x}%`;
  node.style.top = `${100 * y}%`;
}

/**
 * The middle of an edge.
 * @param {Point[]} points
 * @param {number} index Of the corner where it begins.
 * @returns {Point}
 */
export function middleOf(points, index) {
  const [[x0, y0], [x1, y1]] = [points[index], points[(index + 1) % points.length]];
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

/**
 * @param {string} name Of the zone.
 * @param {Point} point
 * @param {number} index
 */
export const cornerText = (name, [x, y], index) =>
  _("Corner {number} of {name}: {x} from the left, {y} from the top", {
    number: index + 1,
    name,
    x: percentText(tenths(100 * x)),
    y: percentText(tenths(100 * y)),
  });
