// @ts-check
/* The health of a camera: what is wrong and what mends it, and its states of the last seven days. */
import { sentence } from "../kit/live_states.js";
import { reason, verdictNow } from "../health/banner.js";
import { base } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { _, n_ } from "../kit/language.js";
import { frameCounts, healthStrip, intervalTable } from "../sources/health.js";

const WEEK_S = 7 * 86_400;

/**
 * @param {import("./page.js").SourceAnswer} answer
 * @param {boolean} isOpen Whether the history is.
 */
export function healthPanel({ name, live, states, day, dead_letters: letters }, isOpen) {
  const problems = (verdictNow()?.problems ?? []).filter(({ subject }) => subject === name);
  const until = day.is_today ? day.until : Date.now() / 1000;
  const span = { since: until - WEEK_S, until };
  const notes = problems.map((one) => make("li", {}, ...reason(one, false)));
  if (!problems.length && live?.reason) notes.push(make("li", { text: sentence(known(live.reason)) }));
  if (letters) notes.push(make("li", {}, ...lettersNote(letters)));
  const history = make(
    "details",
    {},
    make("summary", {
      text: _("States of the last seven days, and lost frames"),
      "data-key": "states",
    }),
    intervalTable(name, states),
    live ? frameCounts(live) : null,
  );
  history.open = isOpen;
  return make(
    "section",
    { class: "panel source-health", "aria-label": _("Health") },
    make("h2", { text: _("Health") }),
    notes.length
      ? make("ul", { class: "reasons" }, ...notes)
      : make("p", { class: "soft", text: live ? _("Nothing is wrong with this source.") : "" }),
    healthStrip(
      states.map((one) => ({ ...one, since: Math.max(one.since, span.since) })),
      span,
    ),
    history,
  );
}

/** @param {number} count */
const lettersNote = (count) => [
  n_(
    "{count} frame of the last day could not be analysed.",
    "{count} frames of the last day could not be analysed.",
    count,
  ),
  " ",
  make("a", { href: `${base()}system#letters`, text: _("Open dead letters") }),
];
