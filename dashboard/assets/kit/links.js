// @ts-check
/* Addresses of pages, and links that open them without loading the dashboard again. */
import { base } from "./api.js";
import { make } from "./dom.js";

const MINUTE_MS = 60_000;

/**
 * The page of a source.
 * @param {string} name
 */
export const sourceHref = (name) => `${base()}sources/${encodeURIComponent(name)}`;

/**
 * A source's name, which leads to its page.
 * @param {string} name
 * @param {{ text?: string, [attribute: string]: unknown }} [options]
 */
export const sourceLink = (name, options = {}) =>
  make("a", { class: "name-link", href: sourceHref(name), text: name, ...options });

/**
 * The page of a run; seconds: where in it.
 * @param {string} run
 * @param {number} [seconds]
 */
export const runHref = (run, seconds = 0) =>
  `${base()}recordings/${encodeURIComponent(run)}${seconds > 0 ? `?t=${seconds.toFixed(1)}` : ""}`;

/**
 * An interval as addresses have it, in whole minutes: nothing is stored finer.
 * @param {number} beginMs
 * @param {number} endMs
 */
export function interval(beginMs, endMs) {
  const first = Math.floor(beginMs / MINUTE_MS);
  const last = Math.max(Math.ceil(endMs / MINUTE_MS), first + 1);
  return `${utcMinute(first * MINUTE_MS)}/${utcMinute(last * MINUTE_MS)}`;
}

/**
 * Trends with a range.
 * @param {{ since: number, until: number }} ends Seconds since 1970.
 * @param {string} [source] All sources without one.
 */
export function rangeHref({ since, until }, source = "") {
  const [from, to] = interval(since * 1000, until * 1000).split("/");
  const sources = source ? `&sources=${encodeURIComponent(source)}` : "";
  return `${base()}trends?from=${from}&to=${to}${sources}`;
}

/** @param {number} ms Since 1970. */
const utcMinute = (ms) => `${new Date(ms).toISOString().slice(0, 16)}Z`;

/**
 * Open a page of the dashboard, as a link of Dash does.
 * @param {string} href
 */
export function visit(href) {
  history.pushState({}, "", href);
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  window.scrollTo(0, 0);
}

/**
 * Whether a link leads to a page of the dashboard, and not to a file or another place of this page.
 * @param {HTMLAnchorElement} link
 */
function isOfPage(link) {
  if (link.origin !== location.origin || link.target || link.hasAttribute("download")) return false;
  if (!link.pathname.startsWith(base())) return false;
  const [page] = link.pathname.slice(base().length).split("/");
  const isHere = link.pathname === location.pathname && link.search === location.search;
  return !(isHere && link.hash) && document.querySelector(`.place-${CSS.escape(page)}`) !== null;
}

document.addEventListener("click", (event) => {
  const { ctrlKey, metaKey, shiftKey, altKey, button, target } = event;
  if (event.defaultPrevented || button || ctrlKey || metaKey || shiftKey || altKey) return;
  const link = target instanceof Element ? target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || !isOfPage(link)) return;
  event.preventDefault();
  visit(link.href);
});
