// @ts-check
/* How much the database holds, and how fast it grows. */
import { make } from "../kit/dom.js";
import { fileSize, localTime, number } from "../kit/format.js";
import { facts } from "../kit/tables.js";

/**
 * @typedef {object} Storage
 * @property {number | null} bytes
 * @property {number | null} rows Of frames and faces.
 * @property {number | null} bytes_a_day Null until there is a full day.
 * @property {number | null} levels_at Bytes at which deletion balances growth.
 * @property {{ day: number, rows: number }[]} days day: its start, seconds since 1970.
 */

/**
 * @param {Storage} storage
 * @param {number} keptDays How long rows are kept; 0 is without limit.
 */
export function storageContent(storage, keptDays) {
  const { bytes, rows, days } = storage;
  const most = Math.max(...days.map((day) => day.rows), 0);
  const text = most
    ? `Rows per day (UTC) over the last ${days.length} days. Maximum: ${number(most)}.`
    : `No rows in the last ${days.length} days.`;
  return [
    facts(["Database", fileSize(bytes)], ["Rows of frames and faces", number(rows)]),
    make("p", { text: growthText(storage, keptDays) }),
    make(
      "figure",
      { class: "columns-figure" },
      make(
        "div",
        { class: "columns", "aria-hidden": "true" },
        ...days.map((day) => column(day, most)),
      ),
      make("p", { class: "soft", text }),
    ),
  ];
}

/**
 * @param {Storage} storage
 * @param {number} keptDays
 */
function growthText({ rows, bytes_a_day: perDay, levels_at: limit }, keptDays) {
  if (!rows) return "No rows yet.";
  if (!perDay) return "The growth is known after a full day.";
  const growth = `The database grows by about ${fileSize(perDay)} per day.`;
  return limit
    ? `${growth} With rows kept for ${keptDays} days it levels off near ${fileSize(limit)}.`
    : `${growth} Rows are never deleted, so it keeps growing.`;
}

/**
 * @param {{ day: number, rows: number }} day
 * @param {number} most
 */
function column({ day, rows }, most) {
  const fill = make("i");
  fill.style.height = `${(100 * rows) / Math.max(most, 1)}%`;
  const date = localTime(day, { day: "numeric", month: "short", timeZone: "UTC" });
  return make("span", { class: "column", title: `${date}: ${number(rows)} rows` }, fill);
}
