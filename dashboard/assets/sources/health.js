// @ts-check
/* The last 24 hours of a source, and how many of its frames were lost. */
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { NONE, duration, number, percentText, shortDateTime, tenths } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { stateKind, stateText } from "../kit/live_states.js";
import { facts, table } from "../kit/tables.js";

/** @typedef {{ since: number, until: number }} Span Seconds since 1970. */
/** @typedef {Span & { state: string, reason: string }} Interval */

const DAY_S = 86_400;
const MAX_ROWS = 100;
const MIN_WIDTH = 0.15;
/** @type {Record<string, string>} By cause. */
const DROP_CAUSES = {
  newest: _("Dropped: replaced by a newer frame"),
  corrupt: _("Dropped: not decodable"),
  broker_full: _("Dropped: the broker's memory was full"),
  broker_lost: _("Dropped: lost by the broker"),
  poison: _("Dropped: dead letters"),
};

/**
 * The states as a coloured strip, and the share of the time that was live.
 * @param {Interval[]} intervals
 * @param {Span} span The last 24 hours, or the last seven days.
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
    make("p", { class: "soft", text: uptimeText(intervals, span) }),
  );
}

/**
 * @param {Interval[]} intervals
 * @param {Span} span
 */
function uptimeText(intervals, span) {
  const isDay = span.until - span.since < 2 * DAY_S;
  const known = total(intervals);
  if (!known) {
    return isDay
      ? _("Not supervised in the last 24 hours.")
      : _("Not supervised in the last seven days.");
  }
  const live = total(intervals.filter(({ state }) => state === "streaming"));
  // Rounded down: 100 % means without an interruption.
  const share = percentText(number(Math.floor((1000 * live) / known) / 10));
  return isDay
    ? _("Live {share} of {duration} under supervision in the last 24 hours.", {
        share,
        duration: duration(known),
      })
    : _("Live {share} of {duration} under supervision in the last seven days.", {
        share,
        duration: duration(known),
      });
}

/** @param {Interval[]} intervals */
const total = (intervals) => intervals.reduce((sum, { since, until }) => sum + until - since, 0);

/**
 * @param {string} name Of the source.
 * @param {Interval[]} intervals
 */
export function intervalTable(name, intervals) {
  if (!intervals.length) return make("p", { class: "soft", text: _("No history yet.") });
  return table(
    _("States of {name}", { name }),
    [_("From"), _("For"), _("State"), _("Reason")],
    intervals
      .slice(0, MAX_ROWS)
      .map(({ since, until, state, reason }) => [
        shortDateTime(since),
        duration(until - since),
        stateText(state),
        known(reason) || NONE,
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
    `${number(count)} (${percentText(tenths((100 * count) / Math.max(captured, 1)))})`;
  const causes = Object.entries(dropped).filter(([, count]) => count);
  return facts(
    [_("Captured in this run"), number(captured)],
    [_("Analysed"), share(analyzed)],
    [_("Left out by the frame rate limit"), share(sampledOut)],
    ...causes.map(
      ([cause, count]) =>
        /** @type {[string, string]} */ ([
          DROP_CAUSES[cause] ?? _("Dropped: {cause}", { cause }),
          share(count),
        ]),
    ),
    causes.length ? null : [_("Dropped"), _("none")],
  );
}
