// @ts-check
/* The page Your account: password, second factor and sessions. */
import { messageOf, post, request } from "../kit/api.js";
import { byId, make } from "../kit/dom.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { passwordForm } from "./password_form.js";
import { secondFactorContent } from "./second_factor.js";
import { sessionsContent } from "./sessions.js";

/**
 * @typedef {object} Account
 * @property {string} name "" where nobody signs in.
 * @property {string} role
 * @property {boolean} has_password
 * @property {{ since: number, recovery_codes: number } | null} second_factor
 * @property {import("./sessions.js").Session[]} sessions
 */

const LINK_TEXT = _(
  "This user signs in by a link or a setting of the host, so there is no password to " +
    "change here. People who use this dashboard together each need a user: see System & " +
    "privacy.",
);

definePage("account", () => {
  const root = byId("account-page");
  const lifetime = new Lifetime();
  const status = make("p", { class: "soft", role: "status" });
  const content = make("div");

  const refresh = async () => {
    try {
      const account = await request("account");
      if (!lifetime.ended) content.replaceChildren(...sections(account, done));
    } catch (error) {
      if (!lifetime.ended) status.textContent = messageOf(error);
    }
  };
  const done = async (/** @type {string} */ message) => {
    status.textContent = message;
    await refresh();
  };

  root.replaceChildren(status, content);
  refresh();
  return () => lifetime.end();
});

/**
 * @param {Account} account
 * @param {(message: string) => Promise<void>} done
 */
function sections(account, done) {
  if (!account.name) {
    const nobody = make("p", { text: _("Nobody signs in to this dashboard.") });
    return [make("div", { class: "empty" }, nobody)];
  }
  const ended = (/** @type {string} */ session) =>
    post("account/sessions/end", { session }).then(() => done(_("The session ended.")));
  const own = account.has_password
    ? [
        section("password", _("Password"), passwordForm(account.name, done)),
        section("second-factor", _("Second factor"), ...secondFactorContent(account, done)),
      ]
    : [section("password", _("Password"), make("p", { class: "soft", text: LINK_TEXT }))];
  return [...own, section("sessions", _("Sessions"), ...sessionsContent(account.sessions, ended))];
}

/**
 * @param {string} id
 * @param {string} title
 * @param {import("../kit/dom.js").Child[]} children
 */
const section = (id, title, ...children) =>
  make(
    "section",
    { class: "panel account-part", id, "aria-label": title },
    make("h2", { text: title }),
    ...children,
  );
