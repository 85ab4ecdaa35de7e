// @ts-check
/* The range compared with the same length of time before it. */
import { make } from "../kit/dom.js";
import { LABELS, swatch } from "../kit/expressions.js";
import { NONE, tenths } from "../kit/format.js";
import { tableHead } from "../kit/tables.js";
import { percentOf } from "./shares.js";

/**
 * @template T
 * @typedef {{ now: T, before: T }} Both
 */
/**
 * @typedef {object} Comparison
 * @property {Both<number>} covered Shares of the time.
 * @property {Both<Record<string, number> | null>} shares By label.
 * @property {Both<number>} person_s
 * @property {boolean} comparable
 */

const NOT_COMPARABLE =
  " No change is shown: less than 60 % of one of them is covered, or one is much shorter.";

/** @param {Comparison} comparison */
export function comparisonPanel({ covered, shares, person_s: seconds, comparable }) {
  const share = (/** @type {Record<string, number> | null} */ side, /** @type {string} */ label) =>
    make("td", { text: side ? percentOf(side[label]) : NONE });
  const row = (/** @type {string} */ label) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, swatch(label), ` ${label}`),
      share(shares.now, label),
      share(shares.before, label),
      make("td", {
        text:
          comparable && shares.now && shares.before
            ? points(shares.now[label] - shares.before[label])
            : NONE,
      }),
    );
  const text =
    `Before: ${personTime(seconds.before)}, ${percentOf(covered.before)} covered. ` +
    `Now: ${personTime(seconds.now)}, ${percentOf(covered.now)} covered.`;
  return make(
    "section",
    { class: "panel", "aria-label": "Compared with the time before" },
    make("h2", { text: "Compared with the time before" }),
    make("p", {
      class: "soft",
      text: `The same length of time, right before this range. ${text}${comparable ? "" : NOT_COMPARABLE}`,
    }),
    make(
      "div",
      { class: "scroll-x", role: "region", tabindex: "0", "aria-label": "Now and before, table" },
      make(
        "table",
        { class: "compared" },
        tableHead(["Expression", "Now", "Before", "Change"]),
        make("tbody", {}, ...LABELS.map(row)),
      ),
    ),
  );
}

/** @param {number} difference Of two shares. */
function points(difference) {
  const whole = Math.round(100 * difference);
  const size = Math.abs(whole);
  const sign = whole > 0 ? "+" : whole < 0 ? "−" : "±";
  return `${sign}${size} ${size === 1 ? "point" : "points"}`;
}

/** @param {number} seconds */
function personTime(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} person-seconds`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} person-minutes`;
  return `${tenths(seconds / 3600)} person-hours`;
}
