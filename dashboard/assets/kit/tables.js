// @ts-check
/* Tables, and lists of facts. */
import { make } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */

/**
 * A table that scrolls inside its panel. The first cell of a row is its heading.
 * @param {string} name For assistive software.
 * @param {string[]} columns
 * @param {Child[][]} rows
 */
export const table = (name, columns, rows) =>
  make(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": name },
    make(
      "table",
      { class: "plain" },
      tableHead(columns),
      make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map(tableCell)))),
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
 * @param {Child} content
 * @param {number} column
 */
const tableCell = (content, column) =>
  column ? make("td", {}, content) : make("th", { scope: "row" }, content);

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
