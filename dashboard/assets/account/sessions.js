// @ts-check
/* The user's sessions, each of which can be ended. */
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { dateTime } from "../kit/format.js";
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
    text: "Where you are signed in. End those that you do not know, and change your password.",
  }),
  table(
    "Sessions, table",
    ["Browser", "Address", "Signed in", "Last active", ""],
    sessions.map((one) => {
      const since = dateTime(one.created_at);
      const label = `End the session of ${one.browser}, signed in ${since}`;
      return [
        one.browser || "unknown",
        one.address || "unknown",
        since,
        dateTime(one.seen_at),
        one.current
          ? make("span", { class: "soft", text: "This one" })
          : quietButton("End", () => end(one.id), { "aria-label": label }),
      ];
    }),
  ),
  sessions.length > 1
    ? make("div", { class: "toolbar" }, quietButton("End all others", () => end("")))
    : null,
];
