// @ts-check
/* The details of an entry of the audit, in the words of the page. Names and values are those that
 * records/audit.py stores: English, as `moodline audit` prints them. */
import { conditionSentence } from "../alerts/words.js";
import { known } from "../kit/core_messages.js";
import { dateTime, fileSize, number } from "../kit/format.js";
import { _, n_, pair } from "../kit/language.js";
import { isKind, zonesOfKind } from "../kit/zones.js";

/** @typedef {Record<string, any>} Details */

/** @type {Record<string, string>} */
const NAMES = {
  added: _("Added"),
  address: _("Address"),
  as_run: _("New run"),
  at: _("Time"),
  attempts: _("Attempts"),
  audit: _("Audit"),
  before: _("Before"),
  bytes: _("Size"),
  days: _("Days kept"),
  deliveries: _("Deliveries"),
  export: _("Export"),
  faces: _("Faces"),
  file: _("File"),
  first: _("First"),
  folder: _("Folder"),
  frames: _("Frames"),
  from: _("Before"),
  marker: _("Marker"),
  minutes: _("Minutes"),
  moved: _("Moved"),
  new: _("New run"),
  owner: _("Owner"),
  path: _("Path"),
  place: _("Address"),
  recordings: _("Recordings"),
  removed: _("Removed"),
  role: _("Role"),
  rollups: _("Rollups"),
  rows: _("Rows"),
  rule: _("Rule"),
  run: _("Run"),
  run_id: _("Run"),
  runs: _("Runs"),
  scope: _("Scope"),
  since: _("Begin"),
  source: _("Source"),
  sources: _("Sources"),
  target: _("Target"),
  to: _("After"),
  token: _("Token"),
  until: _("Until"),
  user: _("User"),
  view: _("View"),
  what: _("What"),
  when: _("When"),
  zones: _("Zones"),
};
/** The names that a person or the network chose: their values are shown as they are. */
const CHOSEN = new Set(
  "address file first folder marker owner path place rule run source target token user view".split(
    " ",
  ),
);
/** As AlertRule.sentence of contracts/alerts/rule.py. */
const CONDITION = /^(.+) (above|below) (.+?)(?: for (\d+ (?:s|min|h|d)))?$/;
const MOMENT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/**
 * The details in one line: "Source: door, Address: rtsp://cam/live".
 * @param {Details} details
 */
export function detailsText(details) {
  const { scope } = details;
  const isErasure = typeof scope === "object";
  const shown = pairs(isErasure ? scope : details);
  if (isErasure) {
    shown.push(
      n_("{count} frame", "{count} frames", details.frames + details.rollups),
      n_("{count} face", "{count} faces", details.faces),
    );
    if (details.remains) shown.push(_("may remain in {places}", { places: details.remains }));
  }
  return shown.join(_(", "));
}

/** @param {Details} values */
const pairs = (values) =>
  Object.entries(values)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => pair(NAMES[name] ?? name, valueText(name, value)));

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string}
 */
function valueText(name, value) {
  if (name === "bytes") return fileSize(Number(value));
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? _("yes") : _("no");
  if (Array.isArray(value)) return value.map((one) => valueText(name, one)).join(_(", "));
  if (value && typeof value === "object") return pairs(value).join(_(", "));
  const text = String(value ?? "");
  if (MOMENT.test(text)) return dateTime(Date.parse(text) / 1000);
  if (name === "zones") return text.split("; ").map(zonesText).join(_("; "));
  if (name === "when") return conditionText(text);
  return CHOSEN.has(name) ? text : known(text);
}

/**
 * The zones of a kind: "mask desk, window".
 * @param {string} text
 */
function zonesText(text) {
  const [kind, ...names] = text.split(" ");
  return names.length && isKind(kind) ? zonesOfKind(kind, names.join(" ")) : known(text);
}

/**
 * The condition of a rule: "share of angry above 30 % for 5 min".
 * @param {string} text
 */
function conditionText(text) {
  const found = CONDITION.exec(text);
  if (!found) return text;
  const [, title, word, limit, time] = found;
  return conditionSentence(known(title), word === "above", limit, time ?? "");
}
