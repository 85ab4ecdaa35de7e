// @ts-check
/* The list of sources and tags: a button with what is chosen, and checkboxes below it. */
import { setProps } from "../kit/dash.js";
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";

/**
 * A source, or a tag with its sources.
 * @typedef {{ label: string, values: string[] }} Choice
 */

const MAX_SHOWN = 100;

export class SourceList {
  /**
   * From the server.
   * @type {{ choices: Choice[], chosen: string[] }}
   */
  #offer = { choices: [], chosen: [] };
  /** @type {string[]} */
  #chosen = [];
  /** @type {Choice[]} */
  #order = [];
  /**
   * The choice that the server was last told, until it confirms it.
   * @type {string | null}
   */
  #pending = null;
  /** @type {Map<HTMLInputElement, Choice>} */
  #boxes = new Map();
  #names = make("span", { class: "chosen", id: "sources-chosen" });
  #button = make(
    "button",
    {
      type: "button",
      class: "opener",
      "aria-expanded": "false",
      "aria-controls": "sources-panel",
      "aria-labelledby": "sources-label sources-chosen",
      "data-search": true,
      onclick: () => (this.#panel.hidden ? this.#open() : this.#close()),
    },
    this.#names,
  );
  #search = make("input", {
    type: "search",
    "aria-label": _("Search sources and tags"),
    placeholder: _("Search"),
    autocomplete: "off",
    oninput: () => this.#drawChoices(),
  });
  #showAll = quietButton(_("Show all"), () => {
    this.#choose([]);
    this.#search.focus();
  });
  #choices = make("ul", { "aria-label": _("Sources and tags") });
  #note = make("p", { class: "soft", role: "status" });
  #panel = make(
    "div",
    { id: "sources-panel", class: "list-panel", tabindex: "-1", hidden: true },
    make("div", { class: "list-head" }, this.#search, this.#showAll),
    this.#choices,
    this.#note,
  );

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {HTMLElement} place
   */
  constructor(lifetime, place) {
    place.replaceChildren(this.#button, this.#panel);
    lifetime.listen(place, "keydown", (event) => {
      if (event.key !== "Escape" || this.#panel.hidden) return;
      this.#close();
      this.#button.focus();
    });
    const closeOutside = (/** @type {EventTarget | null} */ target) => {
      if (!this.#panel.hidden && target instanceof Node && !place.contains(target)) this.#close();
    };
    lifetime.listen(place, "focusout", (event) => closeOutside(event.relatedTarget));
    lifetime.listen(document, "pointerdown", (event) => closeOutside(event.target));
    lifetime.listen(window, "moodline-offered", (event) => this.#onOffer(event.detail));
    this.#draw();
  }

  /** @param {{ choices: Choice[], chosen: string[] }} offer */
  #onOffer(offer) {
    this.#offer = offer;
    // After several choices in a row, the answer to an earlier one would undo the later ones.
    if (this.#pending !== null && this.#pending !== String(offer.chosen)) return;
    this.#pending = null;
    this.#chosen = offer.chosen;
    this.#draw();
  }

  #open() {
    // Chosen entries come first, and stay in place until the list is closed.
    const { choices } = this.#offer;
    this.#order = [
      ...choices.filter((choice) => this.#isChosen(choice)),
      ...choices.filter((choice) => !this.#isChosen(choice)),
    ];
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#search.value = "";
    this.#drawChoices();
    this.#search.focus();
  }

  #close() {
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    this.#pending = null;
    this.#chosen = this.#offer.chosen;
    this.#draw();
  }

  /** @param {string[]} values */
  #choose(values) {
    this.#chosen = values;
    this.#pending = String(values);
    this.#draw();
    setProps("chosen", { data: values });
  }

  /** @param {Choice} choice */
  #isChosen({ values }) {
    return values.every((value) => this.#chosen.includes(value));
  }

  #drawChoices() {
    const text = this.#search.value.trim().toLowerCase();
    const found = this.#order.filter(({ label }) => label.toLowerCase().includes(text));
    this.#boxes.clear();
    this.#choices.replaceChildren(
      ...found.slice(0, MAX_SHOWN).map((choice) => this.#choiceItem(choice)),
    );
    if (!this.#order.length) this.#note.textContent = _("There is no source yet.");
    else if (!found.length) this.#note.textContent = _("No source or tag matches.");
    else if (found.length > MAX_SHOWN) {
      this.#note.textContent = n_(
        "{count} more. Search to find it.",
        "{count} more. Search to find them.",
        found.length - MAX_SHOWN,
      );
    } else this.#note.textContent = "";
    this.#draw();
  }

  /** @param {Choice} choice */
  #choiceItem(choice) {
    const { label, values } = choice;
    const box = make("input", {
      type: "checkbox",
      onchange: () =>
        this.#choose(
          box.checked
            ? [...new Set([...this.#chosen, ...values])]
            : this.#chosen.filter((value) => !values.includes(value)),
        ),
    });
    this.#boxes.set(box, choice);
    return make("li", {}, make("label", {}, box, make("span", { text: label })));
  }

  #draw() {
    const names = this.#offer.choices
      .filter((choice) => choice.values.length === 1 && this.#isChosen(choice))
      .map(({ label }) => label);
    this.#names.textContent = names.length ? names.join(" · ") : _("All sources");
    this.#names.classList.toggle("none", !names.length);
    this.#showAll.disabled = !this.#chosen.length;
    for (const [box, choice] of this.#boxes) box.checked = this.#isChosen(choice);
  }
}
