// @ts-check
/* The last 24 hours on the page Now: bars of expressions by quarters of an hour, and what they say. */
import { base, request } from "../kit/api.js";
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { labelName, legend } from "../kit/expressions.js";
import { clockTime, duration, percent, timeOfDay } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { rangeHref } from "../kit/links.js";
import { mainLabel, sum, timeBars, timeTicks } from "../kit/time_bars.js";

/**
 * @typedef {object} LastDay
 * @property {number} since
 * @property {import("../kit/time_bars.js").Step[]} steps
 * @property {Record<string, number>} person_s By label.
 * @property {number | null} coverage
 * @property {number | null} happiest
 * @property {number} happiest_share
 * @property {number} sources
 * @property {number} generated How many of the sources are.
 */

const EVERY_MS = 60_000;
const TICKS = 5;
const WHOLE_S = 23.5 * 3600;

/**
 * Keep the chart up to date until the page is left; it is hidden while nothing was analysed.
 * @param {import("../kit/lifetime.js").Lifetime} lifetime
 * @param {HTMLElement} place
 */
export function showLastDay(lifetime, place) {
  const refresh = async () => {
    /** @type {LastDay | null} */
    const day = await request("now/day").catch(() => null);
    if (lifetime.ended || !day) return; // What is shown stays.
    const total = sum(day.person_s);
    place.hidden = !total;
    if (total) redrawKeepingFocus(place, () => place.replaceChildren(...content(day, total)));
  };
  lifetime.repeat(refresh, EVERY_MS);
}

/**
 * @param {LastDay} day
 * @param {number} total
 */
const content = (day, total) => [
  make(
    "header",
    { class: "day-head" },
    make("h2", { text: title(day) }),
    make("a", { class: "day-link", href: `${base()}trends`, text: _("Open Trends") }),
  ),
  make(
    "figure",
    { class: "day" },
    timeBars(day.steps, {
      name: _("The day in steps"),
      href: ({ begin, end }) => rangeHref({ since: begin, until: end }),
      time: ({ begin, end }) => `${clockOf(begin)}–${clockTime(end)}`,
    }),
    ticks(day),
    make("figcaption", { text: sentence(day, total) }),
  ),
  legend(),
];

/**
 * A history that began today fills the chart.
 * @param {LastDay} day
 */
const title = ({ since }) =>
  Date.now() / 1000 - since > WHOLE_S
    ? _("The last 24 hours")
    : _("Since {time}", { time: clockOf(since) });

/** @param {LastDay} day */
function ticks({ steps }) {
  const marks = Array.from({ length: TICKS }, (_mark, number) => {
    const at = steps[Math.min(Math.round((number * steps.length) / (TICKS - 1)), steps.length - 1)];
    return clockTime(at.begin);
  });
  return timeTicks(marks);
}

/** @param {number} seconds Since 1970. */
const clockOf = (seconds) => timeOfDay(new Date(seconds * 1000).toISOString());

/**
 * @param {LastDay} day
 * @param {number} total
 */
function sentence(day, total) {
  const largest = mainLabel(day.person_s);
  const parts = [
    _("Mostly {label}: {share} of {duration} in view.", {
      label: labelName(largest),
      share: percent(day.person_s[largest] / total),
      duration: duration(total),
    }),
  ];
  if (day.happiest && day.happiest_share > 0) {
    const at = timeOfDay(new Date(day.happiest * 1000).toISOString());
    parts.push(
      _("Happiest at {time}, with {share} happy.", {
        time: at,
        share: percent(day.happiest_share),
      }),
    );
  }
  if (day.coverage !== null) {
    parts.push(_("{share} of the time was analysed.", { share: percent(day.coverage) }));
  }
  if (day.generated === day.sources && day.generated) {
    parts.push(_("All of it is generated data, not measured."));
  } else if (day.generated) {
    const { generated: count, sources } = day;
    parts.push(
      n_(
        "{count} of {sources} sources is generated data, not measured.",
        "{count} of {sources} sources are generated data, not measured.",
        count,
        { sources },
      ),
    );
  }
  return parts.join(" ");
}
