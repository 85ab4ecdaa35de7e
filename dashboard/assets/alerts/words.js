// @ts-check
/* The words of alerts: measures, conditions, values, reasons and states. */
import { labelName } from "../kit/expressions.js";
import { duration } from "../kit/format.js";
import { LOCALE, _ } from "../kit/language.js";

/**
 * @typedef {object} Rule
 * @property {string} name
 * @property {string} when As typed.
 * @property {string} for
 * @property {string} clears_at
 * @property {string} cooldown
 * @property {number} min_person_seconds
 * @property {string} min_coverage
 * @property {string[]} sources
 * @property {string[]} tags
 * @property {string} hours
 * @property {string} zone
 * @property {string} severity
 * @property {string[]} to
 * @property {string} measure
 * @property {boolean} above
 * @property {number} limit
 * @property {number} end_limit
 * @property {string} unit
 * @property {number} window_s
 * @property {number | null} muted_until
 * @property {number} open
 */

/** Measures by what they need. */
export const SHARES = ["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry", "uncertain"];
export const SYSTEM = ["lag", "disk"];
/** @type {Record<string, string>} */
const TITLES = {
  valence: _("valence"),
  people: _("people in view"),
  coverage: _("coverage"),
  away: _("time away"),
  "dead-letters": _("dead letters"),
  lag: _("lag of the workers"),
  disk: _("free disk space"),
};
export const MEASURES = [...SHARES, ...Object.keys(TITLES)];

/** @type {Record<string, string>} */
const REASONS = {
  cleared: _("The value is back."),
  hours: _("The hours of the rule have ended."),
  changed: _("The rule was changed."),
  removed: _("The rule was removed."),
  source: _("The rule is no longer about this source."),
};
/** @type {Record<string, string>} */
export const SEVERITIES = { info: _("info"), warning: _("warning"), critical: _("critical") };
/** @type {Record<string, string>} */
export const DELIVERY_STATES = {
  waiting: _("waiting"),
  delivered: _("delivered"),
  failed: _("failed"),
  dropped: _("dropped"),
};

/** @param {string} measure */
export const measureTitle = (measure) =>
  SHARES.includes(measure)
    ? _("share of {label}", { label: labelName(measure) })
    : (TITLES[measure] ?? measure);

/** @param {string | null} reason */
export const reasonText = (reason) => (reason && REASONS[reason]) || "";

const NUMBER = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 2 });

/**
 * A value of a measure, with its unit.
 * @param {string | null} measure
 * @param {number | null} value
 */
export function valueText(measure, value) {
  if (value === null || measure === null) return "";
  if (SHARES.includes(measure) || measure === "coverage") return `${NUMBER.format(100 * value)} %`;
  if (measure === "away" || measure === "lag") return duration(value);
  return measure === "disk" ? `${NUMBER.format(value)} GB` : NUMBER.format(value);
}

/**
 * What a rule waits for: "share of angry above 30 % for 5 min".
 * @param {Rule} rule
 */
export function ruleSentence(rule) {
  const { measure, above, limit, window_s: seconds } = rule;
  const time = measure === "away" || !seconds ? "" : windowText(seconds);
  return conditionSentence(measureTitle(measure), above, valueText(measure, limit), time);
}

/**
 * A condition in words.
 * @param {string} measure Its title.
 * @param {boolean} above
 * @param {string} limit
 * @param {string} time Its window; "" for none.
 */
export function conditionSentence(measure, above, limit, time) {
  const values = { measure, limit, time };
  if (!time) {
    return above ? _("{measure} above {limit}", values) : _("{measure} below {limit}", values);
  }
  return above
    ? _("{measure} above {limit} for {time}", values)
    : _("{measure} below {limit} for {time}", values);
}

/** @param {number} seconds */
function windowText(seconds) {
  if (seconds % 3600 === 0) return _("{count} h", { count: seconds / 3600 });
  return seconds % 60 ? `${seconds} s` : _("{count} min", { count: seconds / 60 });
}

/**
 * What a rule is about.
 * @param {Rule} rule
 */
export function aboutText({ measure, sources, tags }) {
  if (SYSTEM.includes(measure)) return _("the whole system");
  const names = [...sources, ...tags.map((tag) => _("tag {tag}", { tag }))];
  return names.join(", ") || _("all live sources");
}
