// @ts-check
/* Pages: which script runs the page that is open. */
import { setText } from "./dom.js";
import { ZONE } from "./format.js";
import { _ } from "./language.js";

/** @typedef {(root: HTMLElement) => (() => void) | void} Mount Returns a function that ends it. */

/** @type {Record<string, Mount>} */
const mounts = {};
/** @type {HTMLElement | null} */
let shown = null;
/** @type {(() => void) | void} */
let leave;
let titleMark = "";

/**
 * Begin the window's title with a word, on every page; "" for none.
 * @param {string} mark
 */
export function markTitle(mark) {
  titleMark = mark;
  drawTitle();
}

function drawTitle() {
  const title = shown?.dataset.title ?? "moodline";
  document.title = titleMark ? `${titleMark} · ${title}` : title;
}

/**
 * Name what the page shows, as its heading and in the window's title.
 * @param {string} name
 */
export function setHeading(name) {
  const heading = shown?.querySelector("h1");
  if (!shown || !heading) return;
  setText(heading, name);
  shown.dataset.title = `${heading.textContent} · moodline`;
  drawTitle();
}

/**
 * Run `mount` whenever the page with this name is opened.
 * @param {string} name
 * @param {Mount} mount
 */
export function definePage(name, mount) {
  mounts[name] = mount;
}

function follow() {
  /** @type {HTMLElement | null} */
  const root = document.querySelector("#page > [data-page]");
  if (root === shown) return;
  leave?.();
  leave = undefined;
  shown = root;
  // For rules about one page: with `body:has(...)`, each node that a chart adds would be matched.
  document.body.dataset.openPage = root?.dataset.page ?? "";
  if (!root) return;
  const name = root.dataset.page ?? "";
  drawTitle();
  nameClock(root);
  for (const link of document.querySelectorAll(".rail nav a")) {
    if (link.classList.contains(`place-${name}`)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave = mounts[name]?.(root);
}

/**
 * Name the clock of all times on the page: the viewer's.
 * @param {HTMLElement} root
 */
function nameClock(root) {
  const place = root.querySelector("header .clock");
  if (!place) return;
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "longOffset" }).formatToParts();
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  const offset = name.replace("GMT", "UTC");
  place.textContent =
    ZONE === "UTC" ? _("Times: UTC") : _("Times: {zone} ({offset})", { zone: ZONE, offset });
}

new MutationObserver(follow).observe(document.documentElement, { childList: true, subtree: true });
