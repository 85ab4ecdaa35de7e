// @ts-check
/* Form fields, buttons and dialogs. */
import { make } from "./dom.js";

/**
 * A labelled control with an optional hint.
 * @param {string} label
 * @param {HTMLElement} control Has an id.
 * @param {string} [hint]
 */
export const field = (label, control, hint) =>
  make(
    "div",
    { class: "field" },
    make("label", { for: control.id, text: label }),
    control,
    hint ? make("p", { class: "hint", id: `${control.id}-hint`, text: hint }) : null,
  );

/**
 * A labelled control on one line.
 * @param {string} label
 * @param {HTMLElement} control Has an id.
 */
export const inlineField = (label, control) =>
  make("div", { class: "field inline" }, make("label", { for: control.id, text: label }), control);

/**
 * A secondary button.
 * @param {string} text
 * @param {() => void} onclick
 * @param {Record<string, unknown>} [options] Further attributes.
 */
export const quietButton = (text, onclick, options = {}) =>
  make("button", { type: "button", class: "button quiet", text, onclick, ...options });

/** An empty line for an error: it announces its text, and takes no space without one. */
export const errorLine = () => make("div", { class: "trouble", role: "alert" });

/**
 * Ask for confirmation in a dialog.
 * @param {HTMLElement} parent
 * @param {{ name: string, title: string, text: string, confirm: string, cancel: string }} words
 *   name: of the dialog, for assistive software.
 * @param {() => void} onConfirm
 */
export function confirmDialog(parent, { name, title, text, confirm, cancel }, onConfirm) {
  const accept = () => {
    dialog.close();
    onConfirm();
  };
  const dialog = make(
    "dialog",
    { class: "dialog", "aria-label": name, onclose: () => dialog.remove() },
    make("h2", { text: title }),
    make("p", { text }),
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "button", class: "button danger", text: confirm, onclick: accept }),
      quietButton(cancel, () => dialog.close()),
    ),
  );
  parent.append(dialog);
  dialog.showModal();
}
