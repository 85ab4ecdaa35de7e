// @ts-check
/* The day and the week of a source, as bars that lead to their time in Trends. */
import { make } from "../kit/dom.js";
import { labelName, legend } from "../kit/expressions.js";
import { clockTime, duration, localTime, percent, shortDateTime, signed, timeOfDay } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { rangeHref } from "../kit/links.js";
import { mainLabel, sum, timeBars, timeTicks } from "../kit/time_bars.js";

/**
 * @typedef {object} Day
 * @property {number} since Seconds since 1970.
 * @property {number} until
 * @property {boolean} is_today
 * @property {import("../kit/time_bars.js").Step[]} steps
 * @property {Total} total
 */
/**
 * @typedef {{ person_s: Record<string, number>, tracks: number, valence: number | null,
 *   coverage: number | null }} Total
 */
/** @typedef {import("./page.js").SourceAnswer} SourceAnswer */

const TICKS = 5;

/**
 * One line on the day: better or worse than yesterday, or what was seen.
 * @param {SourceAnswer} answer
 */
export function leadOf({ verdict, day }) {
  if (day.steps.every(({ gap }) => gap)) return _("Nothing was analysed yet.");
  return verdict ? verdict.line : sentence(day.total);
}

/** @param {SourceAnswer} answer */
export function dayPanel({ name, day, verdict }) {
  const { steps, is_today: isToday, since, until, total } = day;
  const isSeen = steps.some(({ gap }) => !gap);
  return make(
    "section",
    { class: "panel source-day", "aria-label": isToday ? _("Today") : _("The last day with data") },
    make("h2", { text: isToday ? _("Today") : _("The last day with data") }),
    isSeen
      ? make(
          "figure",
          { class: "day" },
          timeBars(steps, {
            name: _("The day in steps"),
            href: ({ begin, end }) => rangeHref({ since: begin, until: end }, name),
            time: ({ begin, end }) => `${clockOf(begin)}–${clockTime(end)}`,
          }),
          timeTicks(dayTicks(steps, { since, until })),
          make("figcaption", {
            class: "soft",
            // Without a verdict, the page leads with the sentence.
            text: verdict ? sentence(total) : _("{begin} to {end}.", { begin: shortDateTime(since), end: clockTime(until) }),
          }),
        )
      : make("p", { class: "soft", text: emptyText(isToday) }),
    isSeen ? legend() : null,
  );
}

/** @param {SourceAnswer} answer */
export function weekPanel({ name, week }) {
  const isSeen = week.some(({ gap }) => !gap);
  const most = Math.max(...week.map(({ person_s: seconds }) => sum(seconds)));
  return make(
    "section",
    { class: "panel source-week", "aria-label": _("Seven days") },
    make("h2", { text: _("Seven days") }),
    isSeen
      ? make(
          "figure",
          { class: "day" },
          timeBars(week, {
            name: _("The days"),
            href: ({ begin, end }) =>
              rangeHref({ since: begin, until: Math.min(end, Date.now() / 1000) }, name),
            time: ({ begin }) =>
              localTime(begin, { weekday: "long", day: "numeric", month: "short" }),
          }),
          timeTicks(
            week.map(({ begin }) => localTime(begin, { weekday: "short" })),
            true,
          ),
          make("figcaption", {
            class: "soft",
            text: most ? busiest(week) : _("Nobody was seen in these days."),
          }),
        )
      : make("p", { class: "soft", text: _("Nothing was analysed in these days.") }),
  );
}

/** @param {import("../kit/time_bars.js").Step[]} week */
function busiest(week) {
  const { begin, person_s: seconds } = week.reduce((best, one) =>
    sum(one.person_s) > sum(best.person_s) ? one : best,
  );
  const label = mainLabel(seconds);
  return _("Most was seen on {day}: {time}, mostly {label} ({share}).", {
    day: localTime(begin, { weekday: "long" }),
    time: duration(sum(seconds)),
    label: labelName(label),
    share: percent(seconds[label] / sum(seconds)),
  });
}

/** @param {Total} total */
function sentence({ person_s: seconds, tracks, valence, coverage }) {
  const seen = sum(seconds);
  const label = mainLabel(seconds);
  const parts = [
    seen
      ? _("Mostly {label}: {share} of {duration} in view.", {
          label: labelName(label),
          share: percent(seconds[label] / seen),
          duration: duration(seen),
        })
      : _("Nobody was seen."),
  ];
  if (seen) parts.push(n_("{count} track.", "{count} tracks.", tracks));
  if (seen && valence !== null) {
    parts.push(_("Derived valence {valence}.", { valence: signed(valence) }));
  }
  if (coverage !== null) {
    parts.push(_("{share} of the time was analysed.", { share: percent(coverage) }));
  }
  return parts.join(" ");
}

/** @param {boolean} isToday */
const emptyText = (isToday) =>
  isToday
    ? _("Nothing was analysed today. The chart begins with the first minute that is.")
    : _("Nothing was analysed yet.");

/**
 * @param {import("../kit/time_bars.js").Step[]} steps
 * @param {{ since: number, until: number }} ends
 */
function dayTicks(steps, { since, until }) {
  const isOneDay = clockDay(since) === clockDay(until - 1);
  return Array.from({ length: TICKS }, (_tick, number) => {
    const first = steps[0].begin;
    const at = first + ((steps[steps.length - 1].end - first) * number) / (TICKS - 1);
    return isOneDay
      ? clockTime(at)
      : clockOf(at);
  });
}

/** @param {number} seconds Since 1970. */
const clockDay = (seconds) => new Date(seconds * 1000).toDateString();

/** @param {number} seconds Since 1970. */
const clockOf = (seconds) => timeOfDay(new Date(seconds * 1000).toISOString());
