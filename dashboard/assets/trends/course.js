// @ts-check
/* A course: the values of a measure over a time, as small bars in a row of a table. */

import { share } from "./measures.js";

const WIDTH = 132;
const HEIGHT = 24;
const GAP = 0.15;
const SVG = "http://www.w3.org/2000/svg";

/**
 * The bars, on a scale that all rows of a table share. A part without a value is a dot: nothing was
 * analysed, or too little. It is a picture of numbers that stand beside it, so hidden from
 * assistive software.
 * @param {(number | null)[]} values
 * @param {import("./measures.js").Scale} scale
 */
export function courseBars(values, scale) {
  const svg = element("svg", {
    class: "course",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  const step = WIDTH / Math.max(values.length, 1);
  const zero = HEIGHT * (1 - share(Math.max(Math.min(0, scale.high), scale.low), scale));
  values.forEach((value, index) => {
    const x = index * step + (step * GAP) / 2;
    const width = Math.max(step * (1 - GAP), 0.8);
    if (value === null) {
      svg.append(element("rect", { class: "none", x, y: HEIGHT - 1, width, height: 1 }));
      return;
    }
    const y = HEIGHT * (1 - share(value, scale));
    const top = Math.min(y, zero);
    const height = Math.max(Math.abs(zero - y), 1);
    svg.append(element("rect", { x, y: Math.min(top, HEIGHT - height), width, height }));
  });
  return svg;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 */
function element(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  return node;
}
