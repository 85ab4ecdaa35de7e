// @ts-check
/* The page Sources: a list that is kept up to date, and a form to add and edit. */
import { messageOf, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { arrange, byId, make, patch } from "../kit/dom.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { SourcePage } from "../source/page.js";
import { AllowedPlaces } from "./places.js";
import { sourceRow } from "./row.js";
import { SourceActions } from "./source_actions.js";

/** @typedef {import("./row.js").Source} Source */

const REFRESH_MS = 5000;

definePage("sources", () => {
  const root = byId("sources-page");
  const name = root.dataset.source;
  const page = name ? new SourcePage(root, name) : new SourcesPage(root);
  return () => page.lifetime.end();
});

class SourcesPage {
  lifetime = new Lifetime();
  #actions;
  #isOperator;
  #list = make("div", { class: "source-list" });
  #places = new AllowedPlaces();
  #isAdmin;
  #add = make("button", {
    type: "button",
    class: "button",
    text: _("Add a source"),
    onclick: () => this.#actions.openForm(null),
  });
  /** @type {Map<string, Source>} By name, as they were last read. */
  #sources = new Map();
  /** @type {Map<string, HTMLElement>} By name. */
  #rows = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#isOperator = Boolean(root.dataset.operator);
    this.#isAdmin = Boolean(root.dataset.admin);
    this.#actions = new SourceActions(root, (name) => this.#sources.get(name) ?? null, {
      changed: () => this.#refresh(),
      saved: () => this.#isAdmin && this.#places.refresh(),
      closed: () => this.#add.focus(),
    });
    this.lifetime.onEnd(() => this.#actions.closeForm());
    const { status, error, form } = this.#actions;
    root.replaceChildren(
      make("div", { class: "toolbar" }, this.#isOperator ? this.#add : null, status),
      error,
      form,
      this.#list,
      ...(this.#isAdmin ? [this.#places.node] : []),
    );
    if (this.#isAdmin) this.#places.refresh();
    const kind = new URLSearchParams(location.search).get("add");
    if (this.#isOperator && kind) this.#actions.openForm(null, kind);
    this.lifetime.repeat(() => this.#refresh(), REFRESH_MS);
  }

  async #refresh() {
    const { error: line } = this.#actions;
    try {
      const { sources, span, trouble } = await request("sources/list");
      if (this.lifetime.ended) return;
      line.textContent = known(trouble);
      this.#draw(sources, span);
    } catch (error) {
      if (!this.lifetime.ended) line.textContent = messageOf(error);
    }
  }

  /**
   * @param {Source[]} sources
   * @param {import("./health.js").Span} span
   */
  #draw(sources, span) {
    this.#sources = new Map(sources.map((source) => [source.name, source]));
    this.#rows = new Map(
      sources.map((source) => {
        const actions = this.#isOperator ? this.#actions.of(source.name) : null;
        const fresh = sourceRow(source, span, actions);
        const node = this.#rows.get(source.name) ?? fresh;
        if (node !== fresh) patch(node, fresh);
        return [source.name, node];
      }),
    );
    arrange(this.#list, sources.length ? [...this.#rows.values()] : [emptyList(this.#isOperator)]);
  }
}

/** @param {boolean} isOperator */
const emptyList = (isOperator) =>
  make(
    "div",
    { class: "empty" },
    make("p", { text: _("No live source yet.") }),
    make("p", {
      text: isOperator
        ? _("Add a webcam or the address of a camera. It is tested before it is kept.")
        : _("An operator can add one."),
    }),
  );
