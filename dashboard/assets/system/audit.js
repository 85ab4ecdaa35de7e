// @ts-check
/* The audit: who did what, filtered by kind. */
import { request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { NONE, dateTime } from "../kit/format.js";
import { inlineField } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { table } from "../kit/tables.js";
import { detailsText } from "./audit_details.js";

/**
 * @typedef {{ id: number, at: number, actor: string, address: string, action: string,
 *   details: Record<string, any> }} AuditEntry
 */

/** @type {Record<string, string>} */
const KINDS = {
  "": _("Everything"),
  "sign-in": _("Sign-ins"),
  user: _("Users"),
  source: _("Sources"),
  recording: _("Recordings"),
  view: _("Views of faces"),
  export: _("Exports"),
  erasure: _("Erasures"),
  schedule: _("Watched folders"),
  alert: _("Alerts"),
};

/**
 * A field that chooses the kind of entries.
 * @param {() => void} onChange
 */
export function kindField(onChange) {
  const select = make("select", { id: "audit-kind", onchange: onChange });
  select.append(...Object.entries(KINDS).map(([value, text]) => make("option", { value, text })));
  return { select, node: inlineField(_("Show"), select) };
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
  if (!entries.length) return make("p", { text: _("No entries.") });
  return table(
    _("Audit, table"),
    [_("Time"), _("By"), _("Action"), _("From"), _("Number"), _("Details")],
    entries.map(({ id, at, actor, address, action, details }) => [
      dateTime(at),
      known(actor),
      known(action),
      address || NONE,
      String(id),
      detailsText(details),
    ]),
  );
}
