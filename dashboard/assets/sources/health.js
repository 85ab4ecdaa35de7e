// @ts-check
/* The last 24 hours of a source, and how many of its frames were lost. */
import { make } from "../kit/dom.js";
import { NONE, duration, number, shortDateTime } from "../kit/format.js";
import { stateKind, stateText } from "../kit/live_states.js";
import { facts, table } from "../kit/tables.js";

/** @typedef {{ since: number, until: number }} Span Seconds since 1970. */
/** @typedef {Span & { state: string, reason: string }} Interval */

const MAX_ROWS = 100;
const MIN_WIDTH = 0.15;
/** @type {Record<string, string>} By cause. */
const DROP_CAUSES = {
  newest: "replaced by a newer frame",
  corrupt: "not decodable",
  broker_full: "the broker's memory was full",
  broker_lost: "lost by the broker",
  poison: "dead letters",
};

/**
 * The states as a coloured strip, and the share of the time that was live.
 * @param {Interval[]} intervals
 * @param {Span} span
 */
export function healthStrip(intervals, span) {
  const whole = span.until - span.since;
  const parts = intervals.map(({ state, since, until }) => {
    const part = make("i", { class: `part part-${stateKind(state)}` });
    part.style.left = `${(100 * (since - span.since)) / whole}%`;
    part.style.width = `${Math.max((100 * (until - since)) / whole, MIN_WIDTH)}%`;
    return part;
  });
  return make(
    "div",
    { class: "health" },
    make("div", { class: "health-strip", "aria-hidden": "true" }, ...parts),
    make("p", { class: "soft", text: uptimeText(intervals) }),
  );
}

/** @param {Interval[]} intervals */
function uptimeText(intervals) {
  const known = total(intervals);
  if (!known) return "Not supervised in the last 24 hours.";
  const live = total(intervals.filter(({ state }) => state === "streaming"));
  // Rounded down: 100 % means without an interruption.
  const share = Math.floor((1000 * live) / known) / 10;
  return `Live ${share} % of ${duration(known)} under supervision in the last 24 hours.`;
}

/** @param {Interval[]} intervals */
const total = (intervals) => intervals.reduce((sum, { since, until }) => sum + until - since, 0);

/**
 * @param {string} name Of the source.
 * @param {Interval[]} intervals
 */
export function intervalTable(name, intervals) {
  if (!intervals.length) return make("p", { class: "soft", text: "No history yet." });
  return table(
    `States of ${name}`,
    ["From", "For", "State", "Reason"],
    intervals
      .slice(0, MAX_ROWS)
      .map(({ since, until, state, reason }) => [
        shortDateTime(since),
        duration(until - since),
        stateText(state),
        reason || NONE,
      ]),
  );
}

/**
 * The frames of the current run: analysed, left out, and dropped by cause.
 * @param {{ captured: number, analyzed: number, sampled_out: number,
 *   dropped: Record<string, number> }} counts
 */
export function frameCounts({ captured, analyzed, sampled_out: sampledOut, dropped }) {
  const share = (/** @type {number} */ count) =>
    `${number(count)} (${((100 * count) / Math.max(captured, 1)).toFixed(1)} %)`;
  const causes = Object.entries(dropped).filter(([, count]) => count);
  return facts(
    ["Captured in this run", number(captured)],
    ["Analysed", share(analyzed)],
    ["Left out by the frame rate limit", share(sampledOut)],
    ...causes.map(
      ([cause, count]) =>
        /** @type {[string, string]} */ ([`Dropped: ${DROP_CAUSES[cause] ?? cause}`, share(count)]),
    ),
    causes.length ? null : ["Dropped", "none"],
  );
}
