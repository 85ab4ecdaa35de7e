// @ts-check
/* What sources and hours are ranked by: the share of a label, derived valence, people in view. */
import { LABELS, labelName } from "../kit/expressions.js";
import { signed, tenths } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { percentOf } from "./shares.js";

/** The ends of a scale. @typedef {{ low: number, high: number }} Scale */

const PEOPLE = "person";
const VALENCE = "valence";
/** A scale ends at this quantile, so that one extreme value does not hide the others. */
const QUANTILE = 0.98;

/** @type {[rank: string, name: string][]} */
export const MEASURES = [
  ...LABELS.map(
    (label) =>
      /** @type {[string, string]} */ ([label, _("Share {label}", { label: labelName(label) })]),
  ),
  [VALENCE, _("Derived valence")],
  [PEOPLE, _("Faces in view")],
];

/**
 * A value in words.
 * @param {number} value
 * @param {string} rank
 */
export function valueText(value, rank) {
  if (rank === PEOPLE) return _("{number} faces in view", { number: tenths(value) });
  if (rank === VALENCE) return _("valence {number}", { number: signed(value) });
  return _("{share} {label}", { share: percentOf(value), label: labelName(rank) });
}

/**
 * The scale of values: from 0, but of valence around what there is, as its differences are small.
 * @param {(number | null)[]} values
 * @param {string} rank
 * @returns {Scale}
 */
export function scaleOf(values, rank) {
  const known = values.flatMap((value) => value ?? []).sort((a, b) => a - b);
  if (!known.length) return { low: 0, high: 1 };
  const at = (/** @type {number} */ quantile) =>
    known[Math.min(Math.floor(known.length * quantile), known.length - 1)];
  const low = rank === VALENCE ? at(1 - QUANTILE) : 0;
  return { low, high: Math.max(at(QUANTILE), low + (rank === VALENCE ? 0.05 : 1e-9)) };
}

/**
 * Where a value lies on a scale, 0 to 1.
 * @param {number} value
 * @param {Scale} scale
 */
export const share = (value, { low, high }) =>
  Math.min(Math.max((value - low) / (high - low), 0), 1);
