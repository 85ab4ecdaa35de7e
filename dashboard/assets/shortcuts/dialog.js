// @ts-check
/* The list of all shortcuts, and the switch that turns them off. */
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { keyGroups, shortcutsAreOn, switchShortcuts } from "../kit/shortcuts.js";
import { commonKeys } from "./common_keys.js";

/** Open the list, unless it is open. */
export function openShortcuts() {
  if (document.getElementById("shortcut-list")) return;
  const before = document.activeElement;
  const box = make("input", {
    id: "shortcuts-on",
    type: "checkbox",
    "aria-describedby": "shortcuts-hint",
    onchange: () => switchShortcuts(box.checked),
  });
  box.checked = shortcutsAreOn();
  const dialog = make(
    "dialog",
    {
      id: "shortcut-list",
      class: "dialog shortcut-list",
      "aria-labelledby": "shortcuts-title",
      onclose: () => {
        dialog.remove();
        if (before instanceof HTMLElement) before.focus({ preventScroll: true });
      },
      onclick: ({ target }) => {
        if (target === dialog) dialog.close(); // Beside it.
      },
    },
    make(
      "div",
      { class: "shortcut-content" },
      make(
        "div",
        { class: "toolbar" },
        make("h2", { id: "shortcuts-title", text: _("Keyboard shortcuts") }),
        quietButton(_("Close"), () => dialog.close(), { class: "button quiet last", autofocus: true }),
      ),
      make(
        "div",
        { class: "shortcut-switch" },
        box,
        make("label", { for: "shortcuts-on", text: _("Keys of one character are shortcuts") }),
        make("p", {
          class: "soft",
          id: "shortcuts-hint",
          text: _("Switch them off if you dictate, or if keys are pressed by accident. This browser keeps it."),
        }),
      ),
      make(
        "div",
        { class: "shortcut-groups", tabindex: "0", role: "region", "aria-label": _("All shortcuts") },
        ...[...commonKeys(), ...keyGroups()].map(({ name, keys }) =>
          make("section", { "aria-label": name }, make("h3", { text: name }), keyTable(keys)),
        ),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {import("../kit/shortcuts.js").Key[]} keys */
const keyTable = (keys) =>
  make(
    "dl",
    { class: "shortcut-keys" },
    ...keys.flatMap(([names, action]) => [
      make("dt", {}, make("kbd", { text: names })),
      make("dd", { text: action }),
    ]),
  );
