// @ts-check
/* Erasure: count what a scope contains, confirm, erase, and show the receipt. */
import { messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { number } from "../kit/format.js";
import { errorLine, field } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { facts } from "../kit/tables.js";

/**
 * @typedef {object} Erasure
 * @property {number} number Of the receipt.
 * @property {number} runs
 * @property {number} frames
 * @property {number} faces
 * @property {number} tracks
 * @property {number} rollups
 * @property {string[]} sources
 * @property {string} remains Where erased data may still be; "" for nowhere.
 */
/**
 * @typedef {{ source: string, run: string, since: string | null, until: string | null }} Scope
 */

const CONFIRMATION = "erase";
export const ERASE_HELP = _(
  "All given conditions must hold. Erased are rows, their part of rollups, annotated " +
    "videos, and with a whole run its uploaded recording. A time range keeps the " +
    "uploaded recording, with the people in it: delete the file in Recordings, or erase " +
    "the run. Backups of the database are not erased.",
);

/**
 * @param {HTMLDataListElement} sources To choose from.
 * @param {() => Promise<void>} onErased
 * @returns {HTMLElement[]}
 */
export function eraseForm(sources, onErased) {
  const input = (/** @type {string} */ name, /** @type {Record<string, string>} */ options) =>
    make("input", { id: `erase-${name}`, ...options });
  const source = input("source", { list: sources.id, maxlength: "512", autocomplete: "off" });
  const run = input("run", { maxlength: "64", autocomplete: "off" });
  const since = input("since", { type: "datetime-local" });
  const until = input("until", { type: "datetime-local" });
  const error = errorLine();
  const result = make("div", { role: "status" });

  const clear = () => {
    result.replaceChildren();
    error.textContent = "";
  };
  const fail = (/** @type {unknown} */ failure) => {
    clear();
    error.textContent = messageOf(failure);
  };
  const erase = async (/** @type {Scope} */ scope) => {
    result.replaceChildren(make("p", { class: "soft", text: _("Erasing …") }));
    try {
      const erased = await post("system/erase", { ...scope, dry_run: false });
      result.replaceChildren(
        make("h3", { text: _("Erased. Receipt {number}", { number: erased.number }) }),
        erasureFacts(erased),
        ...remainsNote(erased),
      );
      await onErased();
    } catch (failure) {
      fail(failure);
    }
  };
  const count = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    clear();
    const scope = {
      source: source.value.trim(),
      run: run.value.trim(),
      since: utcTime(since),
      until: utcTime(until),
    };
    try {
      const found = await post("system/erase", { ...scope, dry_run: true });
      const { typed, nodes } = confirmation(() => erase(scope));
      result.replaceChildren(
        make("h3", { text: _("This will be erased") }),
        erasureFacts(found),
        ...nodes,
      );
      typed.focus();
    } catch (failure) {
      fail(failure);
    }
  };

  for (const node of [source, run, since, until]) node.addEventListener("input", clear);
  const form = make(
    "form",
    { onsubmit: count },
    make(
      "div",
      { class: "form-grid" },
      field(_("Source"), source),
      field(_("Run"), run, _("Its id: see System or `moodline runs list`.")),
      field(_("Captured from"), since),
      field(_("Captured before"), until),
    ),
    error,
    make(
      "div",
      { class: "toolbar" },
      make("button", {
        type: "submit",
        class: "button quiet",
        text: _("Count what would be erased"),
      }),
    ),
  );
  return [form, result, sources];
}

/**
 * A button that is enabled by typing a word.
 * @param {() => void} onConfirm
 */
function confirmation(onConfirm) {
  const typed = make("input", {
    id: "erase-typed",
    autocomplete: "off",
    oninput: () => {
      button.disabled = typed.value.trim().toLowerCase() !== CONFIRMATION;
    },
  });
  const button = make("button", {
    type: "button",
    class: "button danger",
    text: _("Erase permanently"),
    disabled: true,
    onclick: onConfirm,
  });
  const nodes = [
    field(_("Type {confirmation} to confirm", { confirmation: CONFIRMATION }), typed),
    make("div", { class: "toolbar" }, button),
  ];
  return { typed, nodes };
}

/** @param {Erasure} erasure */
const erasureFacts = (erasure) =>
  facts(
    [_("Runs"), number(erasure.runs)],
    [_("Frames"), number(erasure.frames)],
    [_("Faces"), number(erasure.faces)],
    [_("Tracks"), number(erasure.tracks)],
    [_("Rollups of older frames"), number(erasure.rollups)],
    [_("Sources"), erasure.sources.join(", ") || _("none")],
  );

/** @param {Erasure} erasure */
const remainsNote = ({ remains }) =>
  remains
    ? [
        make("p", {
          class: "trouble",
          text: _("Erased data may remain in {remains}.", { remains }),
        }),
      ]
    : [];

/**
 * A local time as UTC; null if none is entered.
 * @param {HTMLInputElement} input
 */
const utcTime = (input) => (input.value ? new Date(input.value).toISOString() : null);
