// @ts-check
/* Tables, and lists of facts. */
import { make } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * A table that scrolls inside its panel; on a phone each row is a card. The first cell of a row is
 * its heading.
 * @param {string} name For assistive software.
 * @param {string[]} columns
 * @param {Child[][]} rows
 */
export const table = (name, columns, rows) =>
  make(
    "div",
    { class: "scroll of-cards", tabindex: "0", role: "region", "aria-label": name },
    make(
      "table",
      { class: "plain cards" },
      tableHead(columns),
      make("tbody", {}, ...rows.map((cells) => tableRow(columns, cells))),
    ),
  );

/** @param {Child[]} columns */
export const tableHead = (columns) =>
  make(
    "thead",
    {},
    make("tr", {}, ...columns.map((column) => make("th", { scope: "col" }, column))),
  );

/**
 * @param {string[]} columns
 * @param {Child[]} cells
 */
const tableRow = (columns, cells) =>
  make(
    "tr",
    {},
    ...cells.map((content, at) =>
      at
        ? make("td", { "data-label": columns[at] }, content)
        : make("th", { scope: "row" }, content),
    ),
  );

/**
 * A list of names with their values; null is left out.
 * @param {...([name: string, value: Child] | null)} rows
 */
export const facts = (...rows) =>
  make(
    "dl",
    { class: "facts" },
    ...rows.flatMap((row) => (row ? [make("dt", { text: row[0] }), make("dd", {}, row[1])] : [])),
  );
