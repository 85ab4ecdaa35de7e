// @ts-check
/* The shortcuts of all pages: to a page, to the search, and the list of all of them. */
import { pageKey } from "../kit/shortcuts.js";
import { PAGE_KEYS, pageLink } from "./common_keys.js";
import { openShortcuts } from "./dialog.js";

/** How long the second key of two may take. */
const SECOND_KEY_MS = 1500;

let goesUntil = 0;

document.addEventListener("keydown", (event) => {
  const key = pageKey(event);
  if (!key) return;
  const goes = event.timeStamp < goesUntil;
  goesUntil = 0;
  const act = goes ? goTo(key.toLowerCase()) : actionOf(key, event.timeStamp);
  if (!act) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  act();
}, { capture: true });

document.addEventListener("click", ({ target }) => {
  if (target instanceof Element && target.closest("#shortcuts")) openShortcuts();
});

/**
 * @param {string} key
 * @param {number} at When it was pressed.
 * @returns {(() => void) | null}
 */
function actionOf(key, at) {
  if (key === "?") return openShortcuts;
  if (key === "/") return focusSearch();
  if (key.toLowerCase() !== "g") return null;
  return () => {
    goesUntil = at + SECOND_KEY_MS;
  };
}

/**
 * @param {string} key
 * @returns {(() => void) | null} Null if it is the key of no page.
 */
function goTo(key) {
  const page = PAGE_KEYS.find(([letter]) => letter === key)?.[1];
  const link = page ? pageLink(page) : null;
  return link && (() => link.click());
}

/** @returns {(() => void) | null} Null if the page has no search. */
function focusSearch() {
  const search = document.querySelector("#page [data-search]");
  if (!(search instanceof HTMLElement) || !search.offsetParent) return null;
  return () => {
    search.focus();
    if (search instanceof HTMLInputElement) search.select();
    else search.click();
  };
}
