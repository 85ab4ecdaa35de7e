// @ts-check
/* The view of the list in the address: a link shows the same, and Back goes one step back. */
import { base } from "../kit/api.js";

export const PAGE_ROWS = 50;

/** The parts of a view. @typedef {{ text: string, show: string, order: string, offset: number }} ListView */

/** @type {Readonly<ListView>} */
const PLAIN = { text: "", show: "all", order: "queued desc", offset: 0 };
const SORTS = ["queued", "name", "recorded", "length", "faces", "state"];
const SHOWN = ["all", "open", "done", "failed", "cancelled", "copy"];
const MOST_PAGES = 100_000;

/**
 * The view that a query asks for. An address may come from anywhere: what is invalid is left out.
 * @param {string} search
 * @returns {ListView}
 */
export function viewOf(search) {
  const asked = new URLSearchParams(search);
  const [show, sort, order] = ["show", "sort", "order"].map((key) => asked.get(key) ?? "");
  const page = Math.min(Math.max(Math.floor(Number(asked.get("page"))) || 1, 1), MOST_PAGES);
  return {
    text: (asked.get("q") ?? "").slice(0, 200),
    show: SHOWN.includes(show) ? show : PLAIN.show,
    order: SORTS.includes(sort) && /^(asc|desc)$/.test(order) ? `${sort} ${order}` : PLAIN.order,
    offset: (page - 1) * PAGE_ROWS,
  };
}

/**
 * The query of a view, "" for the plain one.
 * @param {ListView} view
 */
function searchOf({ text, show, order, offset }) {
  const [sort, direction] = order.split(" ");
  const query = new URLSearchParams({
    ...(text.trim() && { q: text }),
    ...(show !== PLAIN.show && { show }),
    ...(order !== PLAIN.order && { sort, order: direction }),
    ...(offset && { page: String(offset / PAGE_ROWS + 1) }),
  }).toString();
  return query && `?${query}`;
}

/** Whether the address is that of the list. */
const isListOpen = () => location.pathname === `${base()}recordings`;

/**
 * Write a view into the address.
 * @param {ListView} view
 * @param {boolean} isStep Whether Back leads to the view before.
 */
export function writeAddress(view, isStep) {
  const search = searchOf(view);
  if (search === location.search || !isListOpen()) return;
  const address = `${location.pathname}${search}`;
  if (isStep) history.pushState(history.state, "", address);
  else history.replaceState(history.state, "", address);
  // Dash compares the address with what it knows of it.
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
}

/**
 * Run a function when the address has another view: by Back, or a link.
 * @param {import("../kit/lifetime.js").Lifetime} lifetime
 * @param {() => ListView} current
 * @param {(view: ListView) => void} onOther
 */
export function followAddress(lifetime, current, onOther) {
  const follow = () => {
    if (isListOpen() && searchOf(current()) !== location.search) onOther(viewOf(location.search));
  };
  lifetime.listen(window, "popstate", follow);
  lifetime.listen(window, "_dashprivate_pushstate", follow);
}
