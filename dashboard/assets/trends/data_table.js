// @ts-check
/* The data table of a chart. */
import { make } from "../kit/dom.js";
import { tableHead } from "../kit/tables.js";

/**
 * A table. A row with fewer cells than columns has a last cell that spans them.
 * @param {{ columns: string[], rows: string[][] }} texts
 */
export function dataTable({ columns, rows }) {
  return make(
    "table",
    {},
    tableHead(columns),
    make("tbody", {}, ...rows.map((cells) => row(columns.length, cells))),
  );
}

/**
 * @param {number} columns
 * @param {string[]} cells The first is the row's name.
 */
function row(columns, [name, ...cells]) {
  const missing = columns - 1 - cells.length;
  const last = cells.length - 1;
  return make(
    "tr",
    {},
    make("th", { scope: "row", text: name }),
    ...cells.map((text, index) =>
      make("td", { text, colspan: index === last && missing ? missing + 1 : null }),
    ),
  );
}
