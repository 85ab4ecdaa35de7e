// @ts-check
/* The audit: who did what, filtered by kind. */
import { request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { inlineField } from "../kit/forms.js";
import { NONE, counted, dateTime } from "../kit/format.js";
import { table } from "../kit/tables.js";

/**
 * @typedef {{ id: number, at: number, actor: string, address: string, action: string,
 *   details: Record<string, any> }} AuditEntry
 */

/** @type {Record<string, string>} */
const KINDS = {
  "": "Everything",
  "sign-in": "Sign-ins",
  user: "Users",
  source: "Sources",
  recording: "Recordings",
  view: "Views of faces",
  export: "Exports",
  erasure: "Erasures",
  schedule: "Watched folders",
};

/**
 * A field that chooses the kind of entries.
 * @param {() => void} onChange
 */
export function kindField(onChange) {
  const select = make("select", { id: "audit-kind", onchange: onChange });
  select.append(...Object.entries(KINDS).map(([value, text]) => make("option", { value, text })));
  return { select, node: inlineField("Show", select) };
}

/**
 * The latest entries.
 * @param {string} kind "" for all.
 * @returns {Promise<AuditEntry[]>}
 */
export async function auditEntries(kind) {
  const { entries } = await request(`system/audit${kind ? `?kind=${kind}` : ""}`);
  return entries;
}

/** @param {AuditEntry[]} entries */
export function auditContent(entries) {
  if (!entries.length) return make("p", { text: "No entries." });
  return table(
    "Audit, table",
    ["Time", "By", "Action", "From", "Number", "Details"],
    entries.map(({ id, at, actor, address, action, details }) => [
      dateTime(at),
      actor,
      action,
      address || NONE,
      String(id),
      detailsText(details),
    ]),
  );
}

/** @param {Record<string, any>} details */
function detailsText(details) {
  const shown = Object.entries(details.scope ?? details).map(([name, value]) => `${name} ${value}`);
  if ("scope" in details) {
    shown.push(counted(details.frames + details.rollups, "frame"), counted(details.faces, "face"));
  }
  if (details.remains) shown.push(`may remain in ${details.remains}`);
  return shown.join(", ");
}
