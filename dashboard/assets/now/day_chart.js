// @ts-check
/* The last 24 hours on the page Now: bars of expressions by quarters of an hour, and what they say. */
import { base, request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { LABELS, legend } from "../kit/expressions.js";
import { duration, percent, timeOfDay } from "../kit/format.js";

/**
 * @typedef {{ begin: number, person_s: Record<string, number>, missed: number }} Quarter
 * @typedef {{ steps: Quarter[], person_s: Record<string, number>, coverage: number | null,
 *   happiest: number | null, happiest_share: number, sources: number, generated: number }} LastDay
 */

const EVERY_MS = 60_000;
const TICKS = 5;

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
    if (total) place.replaceChildren(...content(day, total));
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
    make("h2", { text: "The last 24 hours" }),
    make("a", { class: "day-link", href: `${base()}trends`, text: "Open Trends" }),
  ),
  make("figure", { class: "day" }, bars(day), ticks(day), make("figcaption", { text: sentence(day, total) })),
  legend(),
];

/** @param {LastDay} day */
function bars({ steps }) {
  const most = Math.max(...steps.map(({ person_s: seconds }) => sum(seconds)));
  return make(
    "div",
    { class: "day-bars", "aria-hidden": "true" },
    ...steps.map(({ begin, person_s: seconds, missed }) => {
      const height = (/** @type {number} */ value) => `${((100 * value) / most).toFixed(2)}%`;
      const parts = LABELS.filter((label) => seconds[label]).map((label) => {
        const part = make("span", { class: `swatch-${label}` });
        part.style.height = height(seconds[label]);
        return part;
      });
      const title = `${timeOfDay(new Date(begin * 1000).toISOString())}: ${stepText(seconds, missed)}`;
      return make("div", { class: missed > 0.5 ? "day-bar is-missed" : "day-bar", title }, ...parts);
    }),
  );
}

/**
 * @param {Record<string, number>} seconds
 * @param {number} missed
 */
function stepText(seconds, missed) {
  const total = sum(seconds);
  const largest = LABELS.reduce((best, label) =>
    (seconds[label] ?? 0) > (seconds[best] ?? 0) ? label : best,
  );
  const seen = total ? `${largest} ${percent(seconds[largest] / total)} of ${duration(total)}` : "";
  if (missed > 0.99) return "not analysed";
  return seen || "nobody in view";
}

/** @param {LastDay} day */
function ticks({ steps }) {
  const marks = Array.from({ length: TICKS }, (_, number) => {
    const at = steps[Math.min(Math.round((number * steps.length) / (TICKS - 1)), steps.length - 1)];
    return make("span", { text: timeOfDay(new Date(at.begin * 1000).toISOString()) });
  });
  return make("div", { class: "day-ticks", "aria-hidden": "true" }, ...marks);
}

/**
 * @param {LastDay} day
 * @param {number} total
 */
function sentence(day, total) {
  const largest = LABELS.reduce((best, label) =>
    (day.person_s[label] ?? 0) > (day.person_s[best] ?? 0) ? label : best,
  );
  const parts = [
    `Mostly ${largest}: ${percent(day.person_s[largest] / total)} of ${duration(total)} in view.`,
  ];
  if (day.happiest && day.happiest_share > 0) {
    const at = timeOfDay(new Date(day.happiest * 1000).toISOString());
    parts.push(`Happiest at ${at}, with ${percent(day.happiest_share)} happy.`);
  }
  if (day.coverage !== null) parts.push(`${percent(day.coverage)} of the time was analysed.`);
  if (day.generated) {
    const which = day.generated === day.sources ? "All of it is" : `${day.generated} of ${day.sources} sources are`;
    parts.push(`${which} generated data, not measured.`);
  }
  return parts.join(" ");
}

/** @param {Record<string, number>} seconds */
const sum = (seconds) => Object.values(seconds).reduce((all, one) => all + one, 0);
