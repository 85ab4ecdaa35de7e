// @ts-check
/* The rules, with what can be done to them. */
import { make } from "../kit/dom.js";
import { dateTime } from "../kit/format.js";
import { confirmDialog, quietButton } from "../kit/forms.js";
import { _, pair } from "../kit/language.js";
import { stateBadge } from "../kit/live_states.js";
import { SEVERITIES, aboutText, ruleSentence } from "./words.js";

/**
 * @typedef {import("./words.js").Rule} Rule
 * @typedef {object} Acts
 * @property {(rule: Rule) => void} edit
 * @property {(rule: Rule, minutes: number) => void} mute
 * @property {(rule: Rule) => void} test
 * @property {(rule: Rule) => void} remove
 * @property {(idea: Idea) => void} begin
 * @typedef {{ name: string, when: string, measure: string, severity: string, text: string }} Idea
 */

/** @type {Idea[]} */
const IDEAS = [
  {
    name: _("Camera away"),
    when: "away > 2m",
    measure: "away",
    severity: "critical",
    text: _("A camera is away for 2 minutes"),
  },
  {
    name: _("Crowd"),
    when: "people > 5",
    measure: "people",
    severity: "warning",
    text: _("More than 5 people are in view"),
  },
  {
    name: _("Unhappy expressions"),
    when: "valence < -0.2",
    measure: "valence",
    severity: "warning",
    text: _("Faces look unhappy"),
  },
  {
    name: _("Disk"),
    when: "disk < 5GB",
    measure: "disk",
    severity: "critical",
    text: _("The disk is nearly full"),
  },
];

/**
 * @param {Rule[]} rules
 * @param {Acts} acts
 * @param {boolean} mayChange
 * @param {HTMLElement} parent Of dialogs.
 */
export function rulesContent(rules, acts, mayChange, parent) {
  if (rules.length) {
    const cards = rules.map((rule) => card(rule, acts, mayChange, parent));
    return [make("ul", { class: "alert-cards" }, ...cards)];
  }
  const text = _("No rules yet: nothing is watched.");
  if (!mayChange) return [make("p", { class: "soft", text })];
  return [
    make("p", { class: "soft", text: `${text} ${_("Begin with one of these, or add your own.")}` }),
    make(
      "div",
      { class: "alert-ideas" },
      ...IDEAS.map((idea) => quietButton(idea.text, () => acts.begin(idea))),
    ),
  ];
}

/**
 * @param {Rule} rule
 * @param {Acts} acts
 * @param {boolean} mayChange
 * @param {HTMLElement} parent
 */
function card(rule, acts, mayChange, parent) {
  const { name, severity, hours, zone, to, muted_until: muted } = rule;
  return make(
    "li",
    { class: `alert-card alert-${severity}` },
    make(
      "div",
      { class: "alert-head" },
      make("strong", { text: name }),
      make("span", { class: "soft", text: SEVERITIES[severity] ?? severity }),
      rule.open
        ? stateBadge("bad", _("{count} open", { count: rule.open }))
        : stateBadge("good", _("quiet")),
    ),
    make("p", { text: ruleSentence(rule) }),
    make("p", { class: "soft", text: pair(_("About"), aboutText(rule)) }),
    hours ? make("p", { class: "soft", text: pair(_("Hours"), `${hours} (${zone})`) }) : null,
    make("p", { class: "soft", text: pair(_("Tells"), to.join(", ") || _("all targets")) }),
    muted === null
      ? null
      : make("p", { text: _("Muted until {time}: nobody is told.", { time: dateTime(muted) }) }),
    mayChange ? buttons(rule, acts, parent) : null,
  );
}

/**
 * @param {Rule} rule
 * @param {Acts} acts
 * @param {HTMLElement} parent
 */
function buttons(rule, acts, parent) {
  const { name, muted_until: muted } = rule;
  const labelled = (/** @type {string} */ text) => ({ "aria-label": text, "data-key": text });
  const remove = () =>
    confirmDialog(
      parent,
      {
        name: _("Remove {name}", { name }),
        title: _("Remove {name}?", { name }),
        text: _("Its open alerts end. Its history stays."),
        confirm: _("Remove the rule"),
        cancel: _("Keep the rule"),
      },
      () => acts.remove(rule),
    );
  return make(
    "div",
    { class: "alert-buttons" },
    quietButton(_("Edit"), () => acts.edit(rule), labelled(_("Edit {name}", { name }))),
    muted === null
      ? quietButton(
          _("Mute for an hour"),
          () => acts.mute(rule, 60),
          labelled(_("Mute the rule {name} for an hour", { name })),
        )
      : quietButton(
          _("End the mute"),
          () => acts.mute(rule, 0),
          labelled(_("End the mute of {name}", { name })),
        ),
    quietButton(_("Test"), () => acts.test(rule), labelled(_("Test {name}", { name }))),
    quietButton(_("Remove"), remove, {
      class: "button danger",
      ...labelled(_("Remove {name}", { name })),
    }),
  );
}
