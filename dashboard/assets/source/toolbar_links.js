// @ts-check
/* The links from a source to its history. */
import { make } from "../kit/dom.js";
import { _ } from "../kit/language.js";
import { rangeHref } from "../kit/links.js";

/** @param {import("./page.js").SourceAnswer} answer */
export function toolbarLinks({ name, day, week }) {
  const link = (/** @type {string} */ text, /** @type {string} */ href) =>
    make("a", { class: "button quiet", text, href, "data-key": text });
  return [
    link(day.is_today ? _("Today in Trends") : _("This day in Trends"), rangeHref(day, name)),
    link(
      _("These seven days in Trends"),
      rangeHref({ since: week[0].begin, until: day.until }, name),
    ),
  ];
}
