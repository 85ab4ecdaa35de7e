// @ts-check
/* What of the list is shown: the search, the filter, the order and the page. */
import { make } from "../kit/dom.js";
import { number } from "../kit/format.js";
import { inlineField, quietButton } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";
import { PAGE_ROWS, followAddress, viewOf, writeAddress } from "./list_address.js";

const TYPING_MS = 250;

/** @type {[value: string, text: string][]} */
const FILTERS = [
  ["all", _("All")],
  ["open", _("Waiting or being analysed")],
  ["done", _("Done")],
  ["failed", _("Failed")],
  ["cancelled", _("Cancelled")],
  ["copy", _("Copies")],
];
/** @type {[value: string, text: string][]} */
const ORDERS = [
  ["queued desc", _("Newest first")],
  ["queued asc", _("Oldest first")],
  ["name asc", _("Name")],
  ["recorded desc", _("Recorded, latest first")],
  ["recorded asc", _("Recorded, earliest first")],
  ["length desc", _("Longest first")],
  ["faces desc", _("Most faces first")],
  ["state asc", _("State")],
];

/** Kept while the tab is open, so that "All recordings" leads back to the same place. */
const view = viewOf("");

export class LibraryView {
  node;
  pager = make("nav", { class: "pager", "aria-label": _("Pages of the list") });
  #count = make("p", { class: "soft list-count", role: "status" });
  #filter;
  #order;
  #onChange;
  #search;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {() => void} onChange The question has changed.
   */
  constructor(lifetime, onChange) {
    this.#onChange = onChange;
    if (location.search) Object.assign(view, viewOf(location.search));
    writeAddress(view, false);
    const search = make("input", {
      "data-search": true,
      type: "search",
      id: "recording-search",
      value: view.text,
      maxlength: "200",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: _("Name, folder, tag or run"),
      oninput: () => {
        clearTimeout(this.#typing);
        // Each word that is typed is no step of its own.
        const isStep = !view.text;
        this.#typing = setTimeout(
          () => this.#change({ text: search.value }, 0, isStep),
          TYPING_MS,
        );
      },
    });
    this.#filter = select("recording-filter", FILTERS, view.show, (show) => this.#change({ show }));
    this.#order = select("recording-order", ORDERS, view.order, (order) => this.#change({ order }));
    this.node = make(
      "div",
      { class: "list-tools", role: "search" },
      inlineField(_("Search"), search),
      inlineField(_("Show"), this.#filter),
      inlineField(_("Sort by"), this.#order),
      this.#count,
    );
    this.#search = search;
    followAddress(
      lifetime,
      () => view,
      (other) => this.#adopt(other),
    );
  }

  /** @param {import("./list_address.js").ListView} other */
  #adopt(other) {
    clearTimeout(this.#typing);
    Object.assign(view, other);
    this.#search.value = view.text;
    this.#filter.value = view.show;
    this.#onChange();
  }

  /** The question, as parameters of the routes. */
  get matching() {
    return new URLSearchParams({ q: view.text, show: view.show }).toString();
  }

  /** The question with the order and the page. */
  get query() {
    const [sort, order] = view.order.split(" ");
    const page = new URLSearchParams({ sort, order, offset: String(view.offset) });
    return `${this.matching}&${page}&limit=${PAGE_ROWS}`;
  }

  /** Whether a search or a filter leaves recordings out. */
  get isNarrowed() {
    return Boolean(view.text.trim()) || view.show !== "all";
  }

  /** The column by which the list is sorted, and whether upwards. */
  get sorting() {
    const [sort, order] = view.order.split(" ");
    return { sort, isUp: order === "asc" };
  }

  /**
   * Sort by a column; by the same one again: the other way round.
   * @param {string} sort
   */
  sortBy(sort) {
    const up = sort === "name" || sort === "state";
    const { sort: before, isUp } = this.sorting;
    const isUpNow = sort === before ? !isUp : up;
    this.#change({ order: `${sort} ${isUpNow ? "asc" : "desc"}` });
  }

  /** @param {{ total: number, all: number, counts: Record<string, number> }} found */
  draw({ total, all, counts }) {
    this.node.hidden = all === 0;
    for (const option of this.#filter.options) {
      const name = FILTERS.find(([value]) => value === option.value)?.[1] ?? "";
      option.textContent = `${name} (${number(counts[option.value] ?? 0)})`;
    }
    this.#order.value = view.order;
    const last = Math.min(view.offset + PAGE_ROWS, total);
    if (total && view.offset >= total) {
      this.#change({}, Math.floor((total - 1) / PAGE_ROWS) * PAGE_ROWS, false);
      return;
    }
    const places = {
      first: number(view.offset + 1),
      last: number(last),
      total: number(total),
    };
    const range = total ? _("{first} to {last} of {total}", places) : _("None");
    this.#count.textContent =
      total === all || !this.isNarrowed
        ? range
        : n_("{range} (of {count} recording)", "{range} (of {count} recordings)", all, { range });
    this.#drawPager(total);
  }

  /** @param {number} total */
  #drawPager(total) {
    this.pager.hidden = total <= PAGE_ROWS;
    const pages = Math.max(Math.ceil(total / PAGE_ROWS), 1);
    const page = Math.floor(view.offset / PAGE_ROWS);
    /** @type {(text: string, to: number) => HTMLElement} */
    const turn = (text, to) =>
      quietButton(text, () => this.#change({}, to * PAGE_ROWS), {
        disabled: to < 0 || to >= pages || to === page,
        "data-key": `page ${text}`,
      });
    this.pager.replaceChildren(
      turn(_("First"), 0),
      turn(_("Previous"), page - 1),
      make("span", {
        class: "soft",
        text: _("Page {page} of {pages}", { page: number(page + 1), pages: number(pages) }),
      }),
      turn(_("Next"), page + 1),
      turn(_("Last"), pages - 1),
    );
  }

  /**
   * @param {Partial<typeof view>} change
   * @param {number} offset
   * @param {boolean} isStep Whether Back leads to the view before.
   */
  #change(change, offset = 0, isStep = true) {
    Object.assign(view, change, { offset });
    writeAddress(view, isStep);
    this.#onChange();
  }
}

/**
 * @param {string} id
 * @param {[value: string, text: string][]} choices
 * @param {string} value
 * @param {(value: string) => void} onChange
 */
function select(id, choices, value, onChange) {
  const node = make(
    "select",
    { id, onchange: () => onChange(node.value) },
    ...choices.map(([choice, text]) => make("option", { value: choice, text })),
  );
  node.value = value;
  return node;
}
