// @ts-check
/* Small charts over time: a bar of expressions for each step, and a strip of coverage below them. */
import { moveByArrows } from "./arrow_keys.js";
import { make } from "./dom.js";
import { labelName, LABELS } from "./expressions.js";
import { duration, percent, signed } from "./format.js";
import { _ } from "./language.js";

/**
 * @typedef {object} Step
 * @property {number} begin Seconds since 1970.
 * @property {number} end
 * @property {Record<string, number>} person_s By label.
 * @property {number} covered The analysed part of the expected time, 0 to 1.
 * @property {boolean} gap Whether nothing was analysed.
 * @property {boolean} awaited Whether anything was expected to be.
 * @property {number | null} valence Derived.
 */

/** From this coverage on, a step counts as whole. The last one lags behind. */
const WHOLE = 0.9;

/**
 * Bars that lead to their time. Their heights are person-time.
 * @param {Step[]} steps
 * @param {{ name: string, href: (step: Step) => string, time: (step: Step) => string }} options
 *   name: of the chart, for assistive software. time: a step's time in words.
 */
export function timeBars(steps, { name, href, time }) {
  const most = Math.max(...steps.map(({ person_s: seconds }) => sum(seconds)), 1e-9);
  const links = steps.map((step) => {
    const text = `${time(step)}: ${stepText(step)}`;
    return make(
      "a",
      {
        class: step.gap && step.awaited ? "time-bar is-missed" : "time-bar",
        href: href(step),
        title: text,
        "aria-label": text,
        "data-key": `bar ${step.begin}`,
      },
      ...LABELS.filter((label) => step.person_s[label]).map((label) => {
        const part = make("span", { class: `swatch-${label}` });
        part.style.height = `${((100 * step.person_s[label]) / most).toFixed(2)}%`;
        return part;
      }),
    );
  });
  const group = make("div", { class: "time-bars", role: "group", "aria-label": name }, ...links);
  moveByArrows(group, links);
  return make("div", { class: "time-chart" }, group, coverageStrip(steps));
}

/**
 * Marks below the bars, evenly spread.
 * @param {string[]} texts
 * @param {boolean} [below] Whether each stands below the middle of a bar.
 */
export const timeTicks = (texts, below = false) =>
  make(
    "div",
    { class: below ? "time-ticks of-bars" : "time-ticks", "aria-hidden": "true" },
    ...texts.map((text) => make("span", { text })),
  );

/**
 * What was seen in a step: its main expression, person-time, valence and coverage.
 * @param {Step} step
 */
function stepText({ person_s: seconds, covered, gap, awaited, valence }) {
  if (gap) return awaited ? _("not analysed") : _("nothing expected");
  const total = sum(seconds);
  const coverage = _("{share} covered", { share: percent(covered) });
  if (!total) return `${_("nobody in view")}, ${coverage}`;
  const label = mainLabel(seconds);
  return _("{label} {share} of {time} in view, valence {valence}, {coverage}", {
    label: labelName(label),
    share: percent(seconds[label] / total),
    time: duration(total),
    valence: signed(valence ?? 0),
    coverage,
  });
}

/**
 * The label with most person-time.
 * @param {Record<string, number>} seconds
 */
export const mainLabel = (seconds) =>
  LABELS.reduce((best, label) => ((seconds[label] ?? 0) > (seconds[best] ?? 0) ? label : best));

/** @param {Record<string, number>} seconds */
export const sum = (seconds) => Object.values(seconds).reduce((all, one) => all + one, 0);

/**
 * A thin line while everything was analysed; taller, with what is missing hatched, if not.
 * @param {Step[]} steps
 */
function coverageStrip(steps) {
  const isWhole = steps.slice(0, -1).every(({ awaited, covered }) => !awaited || covered >= WHOLE);
  return make(
    "div",
    { class: isWhole ? "time-cover" : "time-cover is-partly", "aria-hidden": "true" },
    ...steps.map(({ awaited, gap, covered }) => {
      const fill = make("i", {});
      fill.style.height = `${Math.round(100 * (awaited || !gap ? covered : 0))}%`;
      return make("span", { class: awaited && covered < WHOLE ? "is-missing" : "" }, fill);
    }),
  );
}
