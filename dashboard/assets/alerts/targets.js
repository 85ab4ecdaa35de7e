// @ts-check
/* Targets: who is told. An admin adds webhooks; other kinds are added on the command line. */
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { confirmDialog, errorLine, field, quietButton } from "../kit/forms.js";
import { _, n_, parts } from "../kit/language.js";
import { stateBadge } from "../kit/live_states.js";

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
 * @typedef {(path: string, json: object) => Promise<any>} Act Raises RequestError.
 */

/**
 * @param {Target[]} targets
 * @param {{ change: (path: string, json: object) => void, test: (name: string) => void }} acts
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
        make("p", { class: "soft", text: `${target.kind}, ${target.shown_address}` }),
        queueText(target) ? make("p", { text: queueText(target) }) : null,
        may.mayTest ? buttons(target, acts, may.mayChange, parent) : null,
      ),
    ),
  );
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
 * @param {{ change: (path: string, json: object) => void, test: (name: string) => void }} acts
 * @param {boolean} mayChange
 * @param {HTMLElement} parent
 */
function buttons({ name, disabled_at: disabled, waiting, failed }, acts, mayChange, parent) {
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

/**
 * The form to add a webhook.
 * @param {Act} act
 * @param {() => void} done
 * @param {(error: unknown) => string} message
 */
export function webhookForm(act, done, message) {
  const name = make("input", { id: "target-name", maxlength: "64", required: true });
  const url = make("input", {
    id: "target-url",
    type: "url",
    maxlength: "2048",
    required: true,
    autocomplete: "off",
    placeholder: "https://",
  });
  const error = errorLine();
  const made = make("div", { role: "status" });
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    error.textContent = "";
    made.replaceChildren();
    try {
      const answer = await act("targets/add", { name: name.value.trim(), url: url.value.trim() });
      made.replaceChildren(
        make("p", {
          text: _("Verify its messages with this secret. Copy it now: it is not shown again."),
        }),
        make("code", { class: "token", text: answer.secret, tabindex: "0" }),
      );
      form.reset();
      done();
    } catch (failure) {
      error.textContent = message(failure);
    }
  };
  const others = make(
    "p",
    { class: "hint" },
    ...parts("E-mail, push, chat and MQTT are added on moodline's machine: {command}", {
      command: make("code", { text: "moodline alert target add NAME URL" }),
    }),
  );
  const form = make(
    "form",
    { onsubmit: submit, "aria-label": _("Add a webhook") },
    make("h3", { text: _("Add a webhook") }),
    make(
      "div",
      { class: "form-grid" },
      field(_("Name"), name),
      field(_("URL"), url, _("It gets signed JSON, by the Standard Webhooks specification.")),
    ),
    error,
    made,
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button quiet", text: _("Add the webhook") }),
    ),
    others,
  );
  return form;
}
