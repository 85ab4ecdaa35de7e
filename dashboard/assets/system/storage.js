// @ts-check
/* How much the database holds, and how fast it grows. */
import { make } from "../kit/dom.js";
import { fileSize, localTime, number } from "../kit/format.js";
import { _, n_, pair } from "../kit/language.js";
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
    ? _("Rows per day (UTC) over the last {days} days. Maximum: {most}.", {
        days: days.length,
        most: number(most),
      })
    : _("No rows in the last {days} days.", { days: days.length });
  return [
    facts([_("Database"), fileSize(bytes)], [_("Rows of frames and faces"), number(rows)]),
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
  if (!rows) return _("No rows yet.");
  if (!perDay) return _("The growth is known after a full day.");
  const growth = _("The database grows by about {size} per day.", { size: fileSize(perDay) });
  const later = limit
    ? n_(
        "With rows kept for {count} day it levels off near {size}.",
        "With rows kept for {count} days it levels off near {size}.",
        keptDays,
        { size: fileSize(limit) },
      )
    : _("Rows are never deleted, so it keeps growing.");
  return `${growth} ${later}`;
}

/**
 * @param {{ day: number, rows: number }} day
 * @param {number} most
 */
function column({ day, rows }, most) {
  const fill = make("i");
  fill.style.height = `${(100 * rows) / Math.max(most, 1)}%`;
  const date = localTime(day, { day: "numeric", month: "short", timeZone: "UTC" });
  const title = pair(date, n_("{count} row", "{count} rows", rows));
  return make("span", { class: "column", title }, fill);
}
