// @ts-check
/* The shortcuts of all pages, as the list shows them. */
import { _ } from "../kit/language.js";

/** The letter after "g", the path of its page, and what it does. @type {[string, string, string][]} */
export const PAGE_KEYS = [
  ["n", "now", _("go to Now")],
  ["t", "trends", _("go to Trends")],
  ["a", "alerts", _("go to Alerts")],
  ["r", "recordings", _("go to Recordings")],
  ["i", "try", _("go to Try an image")],
  ["s", "sources", _("go to Sources")],
  ["y", "system", _("go to System & privacy")],
];

/**
 * The link to a page in the menu; null if this viewer has none.
 * @param {string} page Its path.
 * @returns {HTMLElement | null}
 */
export const pageLink = (page) => document.querySelector(`.rail nav .place-${page}`);

/** @returns {import("../kit/shortcuts.js").KeyGroup[]} */
export const commonKeys = () => [
  {
    name: _("On every page"),
    keys: [
      ["?", _("this list")],
      ["/", _("search, on pages that have one")],
      ...PAGE_KEYS.filter(([, page]) => pageLink(page)).map(
        ([letter, , action]) =>
          /** @type {[string, string]} */ ([`G ${letter.toUpperCase()}`, action]),
      ),
    ],
  },
  {
    name: _("In charts and in the hours of the week"),
    keys: [
      ["← → ↑ ↓", _("move between bars or hours")],
      ["Enter", _("show that time")],
    ],
  },
];
