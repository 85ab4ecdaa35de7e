// @ts-check
/* Saved views of Trends: a button with the name of the open one, and all of them below it. */
import { messageOf, request } from "../kit/api.js";
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { confirmDialog, errorLine, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { isSameView, showQuery } from "./address.js";

/**
 * @typedef {{ id: number, name: string, query: string, owner: string, mine: boolean,
 *   shared: boolean, is_default: boolean }} SavedView
 * @typedef {{ views: SavedView[], shares: boolean }} Answer shares: may share views, and change
 *   those that are shared.
 */

/* The view of an address without a query, unless another one was chosen as the default. */
const PLAIN = "?from=now-24h&to=now&mode=share";

export class SavedViews {
  /** @type {Answer} */
  #answer = { views: [], shares: false };
  /** The view whose buttons are shown. @type {number | null} */
  #edited = null;
  /** The form for its new name, in the place of the buttons. @type {HTMLElement | null} */
  #renaming = null;
  #place;
  #open = make("span", { class: "chosen", id: "views-open" });
  #button = make(
    "button",
    {
      type: "button",
      class: "opener",
      "aria-expanded": "false",
      "aria-controls": "views-panel",
      "aria-labelledby": "views-label views-open",
      onclick: () => this.#show(this.#panel.hidden),
    },
    this.#open,
  );
  #list = make("ul", { "aria-label": _("Saved views") });
  #none = make("p", { class: "soft", text: _("No view is saved yet.") });
  #problem = errorLine();
  #name = make("input", {
    id: "view-name",
    maxlength: "80",
    autocomplete: "off",
    required: true,
    placeholder: _("Name of this view"),
    "aria-label": _("Name of the view"),
  });
  #asDefault = make("input", { type: "checkbox" });
  #toShare = make("input", { type: "checkbox" });
  #sharing = make("label", {}, this.#toShare, _("Share with all users"));
  #form = make(
    "form",
    {
      class: "view-form",
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        this.#save();
      },
    },
    make(
      "div",
      { class: "list-head" },
      this.#name,
      make("button", { class: "button", text: _("Save") }),
    ),
    make(
      "div",
      { class: "view-options" },
      make("label", {}, this.#asDefault, _("Open Trends with it")),
      this.#sharing,
    ),
  );
  #panel = make(
    "div",
    { id: "views-panel", class: "list-panel views-panel", tabindex: "-1", hidden: true },
    this.#list,
    this.#none,
    this.#form,
    this.#problem,
  );

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {HTMLElement} place
   */
  constructor(lifetime, place) {
    this.#place = place;
    place.replaceChildren(this.#button, this.#panel);
    lifetime.listen(place, "keydown", (event) => {
      if (event.key !== "Escape" || this.#panel.hidden || event.target.closest("dialog")) return;
      this.#show(false);
      this.#button.focus();
    });
    const closeOutside = (/** @type {EventTarget | null} */ target) => {
      if (target instanceof Node && !place.contains(target)) this.#show(false);
    };
    lifetime.listen(place, "focusout", (event) => closeOutside(event.relatedTarget));
    lifetime.listen(document, "pointerdown", (event) => closeOutside(event.target));
    lifetime.listen(window, "moodline-view", () => this.#draw());
    this.#draw();
    this.#ask(request("trends/views"));
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#button.setAttribute("aria-expanded", String(isOpen));
    this.#edit(null);
    // Near the right edge it opens to the left.
    this.#panel.classList.remove("to-left");
    const { right } = this.#panel.getBoundingClientRect();
    this.#panel.classList.toggle("to-left", right > document.documentElement.clientWidth);
  }

  /**
   * Show the buttons of a view.
   * @param {number | null} id
   */
  #edit(id) {
    this.#edited = id;
    this.#renaming = null;
    this.#draw();
  }

  /**
   * Show what a request for views answers, or why it failed.
   * @param {Promise<Answer>} asked
   * @returns {Promise<boolean>} Whether it was answered.
   */
  async #ask(asked) {
    try {
      this.#answer = await asked;
      this.#problem.textContent = "";
    } catch (error) {
      this.#problem.textContent = messageOf(error);
      return false;
    }
    this.#draw();
    return true;
  }

  async #save() {
    const json = {
      name: this.#name.value,
      query: location.search || PLAIN,
      shared: this.#toShare.checked,
      is_default: this.#asDefault.checked,
    };
    if (!(await this.#ask(request("trends/views", { method: "POST", json })))) return;
    this.#form.reset();
  }

  /**
   * @param {SavedView} view
   * @param {Record<string, unknown>} json
   */
  #change({ id }, json) {
    return this.#ask(request(`trends/views/${id}`, { method: "POST", json }));
  }

  #draw() {
    const { views, shares } = this.#answer;
    const open = views.find(({ query }) => isSameView(query, location.search));
    this.#open.textContent = open ? open.name : _("Not saved");
    this.#open.classList.toggle("none", !open);
    this.#sharing.hidden = !shares;
    this.#none.hidden = views.length > 0;
    redrawKeepingFocus(this.#list, () => {
      const items = views.map((view) => this.#item(view, view === open));
      this.#list.replaceChildren(...items);
    });
  }

  /**
   * @param {SavedView} view
   * @param {boolean} isOpen
   */
  #item(view, isOpen) {
    const { id, name, query, owner, mine, shared, is_default } = view;
    const notes = [
      is_default ? _("opens first") : "",
      shared && !mine ? _("shared by {owner}", { owner }) : shared ? _("shared") : "",
    ];
    const link = make("a", {
      href: query,
      "data-key": `view-${id}`,
      "aria-current": isOpen ? "true" : null,
      text: name,
      onclick: (/** @type {MouseEvent} */ event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return; // In a tab of its own.
        event.preventDefault();
        showQuery(query);
        this.#show(false);
        this.#button.focus();
      },
    });
    const isEdited = this.#edited === id;
    const edit = make("button", {
      type: "button",
      class: "more-of-view",
      "data-key": `edit-${id}`,
      "aria-label": _("Change {name}", { name }),
      "aria-expanded": String(isEdited),
      text: "…",
      onclick: () => this.#edit(isEdited ? null : id),
    });
    return make(
      "li",
      {},
      make(
        "div",
        { class: "view-line" },
        make("div", {}, link, make("p", { text: notes.filter(Boolean).join(" · ") })),
        edit,
      ),
      isEdited ? (this.#renaming ?? this.#actions(view)) : null,
    );
  }

  /** @param {SavedView} view */
  #actions(view) {
    const { id, name, mine, shared, is_default } = view;
    const key = (/** @type {string} */ action) => ({ "data-key": `${action}-${id}` });
    const byDefault = quietButton(
      is_default ? _("Do not open first") : _("Open first"),
      () => this.#change(view, { is_default: !is_default }),
      key("default"),
    );
    if (!mine && !this.#answer.shares) return make("div", { class: "view-actions" }, byDefault);
    return make(
      "div",
      { class: "view-actions" },
      byDefault,
      quietButton(_("Rename"), () => this.#rename(view), key("rename")),
      quietButton(
        _("Put this view in its place"),
        () => this.#change(view, { query: location.search || PLAIN }),
        key("replace"),
      ),
      this.#answer.shares
        ? quietButton(
            shared ? _("Stop sharing") : _("Share"),
            () => this.#change(view, { shared: !shared }),
            key("share"),
          )
        : null,
      quietButton(
        _("Delete"),
        () =>
          confirmDialog(
            this.#place,
            {
              name: _("Delete a saved view"),
              title: _("Delete “{name}”?", { name }),
              text: shared
                ? _("All users lose this view. No data is deleted.")
                : _("No data is deleted."),
              confirm: _("Delete"),
              cancel: _("Keep"),
            },
            () => this.#ask(request(`trends/views/${id}`, { method: "DELETE" })),
          ),
        key("delete"),
      ),
    );
  }

  /** @param {SavedView} view */
  #rename(view) {
    const input = make("input", {
      "aria-label": _("New name"),
      "data-key": "new-name",
      value: view.name,
      maxlength: "80",
      required: true,
    });
    this.#renaming = make(
      "form",
      {
        class: "list-head",
        onsubmit: async (/** @type {Event} */ event) => {
          event.preventDefault();
          if (!(await this.#change(view, { name: input.value }))) return;
          this.#edit(null);
          this.#name.focus();
        },
      },
      input,
      make("button", { class: "button", text: _("Rename") }),
    );
    this.#draw();
    input.select();
  }
}
