// @ts-check
/* The page Sources: a list that is kept up to date, and a form to add and edit. */
import { messageOf, post, request } from "../kit/api.js";
import { arrange, byId, make, patch } from "../kit/dom.js";
import { confirmDialog, errorLine } from "../kit/forms.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { sourceForm } from "./form.js";
import { AllowedPlaces } from "./places.js";
import { sourceRow } from "./row.js";
import { ZoneEditor } from "./zone_editor.js";

/** @typedef {import("./row.js").Source} Source */

const REFRESH_MS = 5000;

definePage("sources", () => {
  const page = new SourcesPage(byId("sources-page"));
  return () => page.lifetime.end();
});

class SourcesPage {
  lifetime = new Lifetime();
  #root;
  #isOperator;
  #error = errorLine();
  #status = make("p", { class: "soft", role: "status" });
  #form = make("div");
  /** Frees what the open form holds. */
  #endForm = () => {};
  #list = make("div", { class: "source-list" });
  #places = new AllowedPlaces();
  #isAdmin;
  #add = make("button", {
    type: "button",
    class: "button",
    text: "Add a source",
    onclick: () => this.#openForm(null),
  });
  /** @type {Map<string, Source>} By name, as they were last read. */
  #sources = new Map();
  /** @type {Map<string, HTMLElement>} By name. */
  #rows = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#isOperator = Boolean(root.dataset.operator);
    this.#isAdmin = Boolean(root.dataset.admin);
    root.replaceChildren(
      make("div", { class: "toolbar" }, this.#isOperator ? this.#add : null, this.#status),
      this.#error,
      this.#form,
      this.#list,
      ...(this.#isAdmin ? [this.#places.node] : []),
    );
    if (this.#isAdmin) this.#places.refresh();
    const kind = new URLSearchParams(location.search).get("add");
    if (this.#isOperator && kind) this.#openForm(null, kind);
    this.lifetime.repeat(() => this.#refresh(), REFRESH_MS);
  }

  async #refresh() {
    try {
      const { sources, span, trouble } = await request("sources/list");
      if (this.lifetime.ended) return;
      this.#error.textContent = trouble;
      this.#draw(sources, span);
    } catch (error) {
      if (!this.lifetime.ended) this.#error.textContent = messageOf(error);
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
        const fresh = sourceRow(source, span, this.#isOperator ? this.#actions(source) : null);
        const node = this.#rows.get(source.name) ?? fresh;
        if (node !== fresh) patch(node, fresh);
        return [source.name, node];
      }),
    );
    arrange(this.#list, sources.length ? [...this.#rows.values()] : [emptyList(this.#isOperator)]);
  }

  /**
   * A row outlives changes of its source: only the name of `source` may be used later.
   * @param {Source} source
   * @returns {import("./row.js").Actions}
   */
  #actions({ name }) {
    return {
      edit: () => this.#openForm(this.#sources.get(name) ?? null),
      zones: () => this.#openZones(name),
      pause: () => this.#change("pause", name, `${name} was paused.`),
      resume: () => this.#change("resume", name, `${name} was resumed.`),
      remove: () => this.#confirmRemoval(name),
    };
  }

  /**
   * @param {string} action Of the route.
   * @param {string} name
   * @param {string} done
   */
  async #change(action, name, done) {
    try {
      await post(`sources/${action}`, { name });
      this.#status.textContent = done;
    } catch (error) {
      this.#error.textContent = messageOf(error);
    }
    await this.#refresh();
  }

  /** @param {string} name */
  #confirmRemoval(name) {
    confirmDialog(
      this.#root,
      {
        name: `Remove ${name}`,
        title: `Remove ${name}?`,
        text:
          "moodline stops reading it and deletes its address. Its records stay: " +
          "erase them in System & privacy.",
        confirm: "Remove it",
        cancel: "Keep it",
      },
      () => this.#change("remove", name, `${name} was removed.`),
    );
  }

  /** @param {string} name */
  #openZones(name) {
    const source = this.#sources.get(name);
    if (!source) return;
    const close = () => {
      this.#closeForm();
      /** @type {HTMLElement | null} */
      const button = this.#list.querySelector(`[data-key="${CSS.escape(`Zones ${name}`)}"]`);
      button?.focus();
    };
    const editor = new ZoneEditor(source, {
      saved: (message) => {
        close();
        this.#status.textContent = message;
        this.#refresh();
      },
      cancelled: close,
    });
    this.#closeForm();
    this.#endForm = () => editor.end();
    this.#form.replaceChildren(editor.node);
    editor.focus();
  }

  #closeForm() {
    this.#endForm();
    this.#endForm = () => {};
    this.#form.replaceChildren();
  }

  /**
   * @param {Source | null} source
   * @param {string} [kind]
   */
  #openForm(source, kind = "camera") {
    const close = () => {
      this.#closeForm();
      this.#add.focus();
    };
    const form = sourceForm(source, kind, {
      saved: (message) => {
        close();
        this.#status.textContent = message;
        this.#refresh();
        if (this.#isAdmin) this.#places.refresh();
      },
      cancelled: close,
    });
    this.#closeForm();
    this.#form.replaceChildren(form);
    /** @type {HTMLElement | null} */
    const first = form.querySelector(source ? "#source-uri" : "#source-name");
    first?.focus();
    form.scrollIntoView({ block: "nearest" });
  }
}

/** @param {boolean} isOperator */
const emptyList = (isOperator) =>
  make(
    "div",
    { class: "empty" },
    make("p", { text: "No live source yet." }),
    make("p", {
      text: isOperator
        ? "Add a webcam or the address of a camera. It is tested before it is kept."
        : "An operator can add one.",
    }),
  );
