// @ts-check
/* The shortcuts of all pages, as the list shows them. */
import { _ } from "../kit/language.js";

/** The letter after "g", the path of its page, and what it does. @type {[string, string, string][]} */
export const PAGE_KEYS = [
  ["n", "now", _("go to Now")],
  ["t", "trends", _("go to Trends")],
  ["r", "recordings", _("go to Recordings")],
  ["i", "try", _("go to Try an image")],
  ["s", "sources", _("go to Sources")],
  ["y", "system", _("go to System & privacy")],
];

/** @type {import("../kit/shortcuts.js").KeyGroup[]} */
export const COMMON_KEYS = [
  {
    name: _("On every page"),
    keys: [
      ["?", _("this list")],
      ["/", _("search, on pages that have one")],
      ...PAGE_KEYS.map(
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
