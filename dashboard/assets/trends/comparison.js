// @ts-check
/* The range compared with an earlier time: every label, with the uncertainty of its change. */
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { LABELS, labelName, swatch } from "../kit/expressions.js";
import { NONE, shortDateTime, signed } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { tableHead } from "../kit/tables.js";
import { personTime } from "./person_time.js";
import { percentOf } from "./shares.js";

/**
 * @template T
 * @typedef {{ now: T, before: T }} Both
 */
/**
 * Both shares of a label, their difference, and half of its 95 % interval.
 * @typedef {Both<number | null> & { change: number | null, margin: number | null,
 *   clear: boolean }} Change
 */
/**
 * @typedef {object} Comparison
 * @property {string} verdict
 * @property {string} basis
 * @property {string} name Of the earlier time, as in "happier than yesterday".
 * @property {number} since Of the earlier time.
 * @property {number} until
 * @property {Record<string, Change>} shares By label.
 * @property {Both<number>} coverage
 * @property {Both<number>} person_s
 * @property {Both<number>} tracks
 * @property {Both<number | null>} derived_valence
 */

/** @param {Comparison} comparison */
export function comparisonPanel(comparison) {
  const { name, since, until, coverage, person_s: seconds, shares } = comparison;
  const facts = _(
    "{since} to {until}. Before: {time_before}, {share_before} covered. Now: {time_now}, " +
      "{share_now} covered.",
    {
      since: shortDateTime(since),
      until: shortDateTime(until),
      time_before: personTime(seconds.before),
      share_before: percentOf(coverage.before),
      time_now: personTime(seconds.now),
      share_now: percentOf(coverage.now),
    },
  );
  return make(
    "section",
    { class: "panel compared-panel", "aria-label": _("Compared with the time before") },
    make("h2", { text: _("Compared with {name}", { name: known(name) }) }),
    make("p", { class: "soft", text: facts }),
    make(
      "div",
      {
        class: "scroll-x",
        role: "region",
        tabindex: "0",
        "aria-label": _("Now and before, table"),
      },
      make(
        "table",
        { class: "compared" },
        tableHead([_("Expression"), _("Now"), _("Before"), _("Change"), _("Clear?")]),
        make(
          "tbody",
          {},
          ...LABELS.map((label) => changeRow(label, shares[label])),
          valenceRow(comparison.derived_valence),
        ),
      ),
    ),
    make("p", {
      class: "help",
      text: _(
        "±: the 95 % interval of the change. Its samples are tracks, the stays of faces in " +
          "view, not frames; a person who returns is a new track, so that the true uncertainty " +
          "can be larger.",
      ),
    }),
  );
}

/**
 * @param {string} label
 * @param {Change} change
 */
function changeRow(label, { now, before, change, margin, clear }) {
  const share = (/** @type {number | null} */ one) => (one === null ? NONE : percentOf(one));
  return make(
    "tr",
    { class: clear ? "clear" : null },
    make("th", { scope: "row" }, swatch(label), ` ${labelName(label)}`),
    make("td", { text: share(now) }),
    make("td", { text: share(before) }),
    make("td", { text: change === null ? NONE : points(change, margin) }),
    make("td", { text: margin === null ? _("unknown") : clear ? _("yes") : _("no") }),
  );
}

/** @param {Both<number | null>} valence */
const valenceRow = ({ now, before }) =>
  make(
    "tr",
    {},
    make("th", { scope: "row", text: _("derived valence") }),
    make("td", { text: now === null ? NONE : signed(now) }),
    make("td", { text: before === null ? NONE : signed(before) }),
    make("td", { text: now === null || before === null ? NONE : signed(now - before) }),
    make("td", { text: _("unknown") }),
  );

/**
 * @param {number} difference Of two shares.
 * @param {number | null} margin
 */
function points(difference, margin) {
  const size = Math.abs(Math.round(100 * difference));
  const sign = size && difference < 0 ? "−" : "+";
  if (margin === null) return n_("{sign}{count} point", "{sign}{count} points", size, { sign });
  const wide = Math.max(Math.round(100 * margin), 1);
  return _("{sign}{size} ± {margin} points", { sign, size, margin: wide });
}
