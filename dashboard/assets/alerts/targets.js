// @ts-check
/* Targets: who is told. */
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { confirmDialog, quietButton } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";
import { stateBadge } from "../kit/live_states.js";
import { wayText } from "./target_form.js";

/**
 * @typedef {object} Target
 * @property {string} name
 * @property {string} kind
 * @property {string} shown_address
 * @property {number} waiting
 * @property {number} failed
 * @property {number | null} disabled_at
 * @property {string} disabled_reason
 *
 * @typedef {object} Acts
 * @property {(path: string, json: object) => void} change
 * @property {(name: string) => void} test
 * @property {(target: Target) => void} edit
 */

/**
 * @param {Target[]} targets
 * @param {Acts} acts
 * @param {{ mayTest: boolean, mayChange: boolean }} may
 * @param {HTMLElement} parent Of dialogs.
 */
export function targetsContent(targets, acts, may, parent) {
  if (!targets.length) {
    const text = _("No targets yet: alerts are shown here, and nobody else is told.");
    return make("p", { class: "soft", text });
  }
  return make(
    "ul",
    { class: "alert-cards" },
    ...targets.map((target) =>
      make(
        "li",
        { class: "alert-card alert-target" },
        make(
          "div",
          { class: "alert-head" },
          make("strong", { text: target.name }),
          stateContent(target),
        ),
        make("p", { class: "soft alert-address", text: placeText(target) }),
        queueText(target) ? make("p", { text: queueText(target) }) : null,
        may.mayTest ? buttons(target, acts, may.mayChange, parent) : null,
      ),
    ),
  );
}

/** @param {Target} target */
function placeText(target) {
  // Of Apprise, the address is nothing but the name of the service.
  return target.kind === "apprise" ? wayText(target) : `${wayText(target)}, ${target.shown_address}`;
}

/** @param {Target} target */
function queueText({ waiting, failed }) {
  return [
    waiting ? n_("{count} message waits.", "{count} messages wait.", waiting) : "",
    failed ? n_("{count} message did not arrive.", "{count} messages did not arrive.", failed) : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {Target} target */
function stateContent({ disabled_at: disabled, disabled_reason: reason, waiting }) {
  if (disabled !== null) return stateBadge("bad", _("disabled: {reason}", { reason: known(reason) }));
  return waiting ? stateBadge("warn", _("waiting")) : stateBadge("good", _("ready"));
}

/**
 * @param {Target} target
 * @param {Acts} acts
 * @param {boolean} mayChange
 * @param {HTMLElement} parent
 */
function buttons(target, acts, mayChange, parent) {
  const { name, disabled_at: disabled, waiting, failed } = target;
  const labelled = (/** @type {string} */ text) => ({ "aria-label": text, "data-key": text });
  const change = (/** @type {string} */ path) => () => acts.change(`targets/${path}`, { name });
  const remove = () =>
    confirmDialog(
      parent,
      {
        name: _("Remove {name}", { name }),
        title: _("Remove {name}?", { name }),
        text: _("What waits for it is not delivered."),
        confirm: _("Remove the target"),
        cancel: _("Keep the target"),
      },
      change("remove"),
    );
  return make(
    "div",
    { class: "alert-buttons" },
    disabled === null
      ? quietButton(_("Test"), () => acts.test(name), labelled(_("Test {name}", { name })))
      : null,
    waiting || failed
      ? quietButton(
          _("Deliver again"),
          change("replay"),
          labelled(_("Deliver to {name} again", { name })),
        )
      : null,
    mayChange
      ? quietButton(
          _("Edit"),
          () => acts.edit(target),
          labelled(_("Edit {name}", { name })),
        )
      : null,
    mayChange && disabled !== null
      ? quietButton(_("Enable"), change("enable"), labelled(_("Enable {name}", { name })))
      : null,
    mayChange && disabled === null
      ? quietButton(_("Disable"), change("disable"), labelled(_("Disable {name}", { name })))
      : null,
    mayChange
      ? quietButton(_("Remove"), remove, {
          class: "button danger",
          ...labelled(_("Remove {name}", { name })),
        })
      : null,
  );
}
