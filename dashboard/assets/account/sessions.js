// @ts-check
/* The user's sessions, each of which can be ended. */
import { make } from "../kit/dom.js";
import { dateTime } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { table } from "../kit/tables.js";

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {number} created_at
 * @property {number} seen_at To five minutes.
 * @property {string} address
 * @property {string} browser
 * @property {boolean} current
 */

/**
 * @param {Session[]} sessions
 * @param {(session: string) => Promise<void>} end "" ends all but the current one.
 */
export const sessionsContent = (sessions, end) => [
  make("p", {
    class: "soft",
    text: _("Where you are signed in. End those that you do not know, and change your password."),
  }),
  table(
    _("Sessions, table"),
    [_("Browser"), _("Address"), _("Signed in"), _("Last active"), ""],
    sessions.map((one) => {
      const since = dateTime(one.created_at);
      const label = _("End the session of {browser}, signed in {time}", {
        browser: one.browser,
        time: since,
      });
      return [
        one.browser || _("unknown"),
        one.address || _("unknown"),
        since,
        dateTime(one.seen_at),
        one.current
          ? make("span", { class: "soft", text: _("This one") })
          : quietButton(_("End"), () => end(one.id), { "aria-label": label }),
      ];
    }),
  ),
  sessions.length > 1
    ? make(
        "div",
        { class: "toolbar" },
        quietButton(_("End all others"), () => end("")),
      )
    : null,
];
