// @ts-check
/* The data tables of the charts. */
import { make } from "../kit/dom.js";
import { tableHead } from "../kit/tables.js";

/**
 * A row with fewer cells than columns has a last cell that spans them.
 * @typedef {{ columns: string[], rows: string[][], error?: undefined } | { error: string }} DataTable
 */

/** @type {WeakMap<Element, DataTable | null>} */
const shown = new WeakMap();

/**
 * Show each table in the place of its chart.
 * @param {(DataTable | null)[]} tables By slot.
 */
export function showDataTables(tables) {
  document.querySelectorAll("#charts .data-table").forEach((place, slot) => {
    const table = tables[slot] ?? null;
    if (shown.get(place) === table) return;
    shown.set(place, table);
    place.replaceChildren(...(table ? [content(table)] : []));
  });
}

/** @param {DataTable} table */
function content(table) {
  if (table.error !== undefined) return make("p", { class: "trouble", text: table.error });
  const { columns, rows } = table;
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
