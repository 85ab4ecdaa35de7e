// @ts-check
/* The second factor: add it with an authenticator app, and remove it. */
import { messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { dateTime } from "../kit/format.js";
import { errorLine, field, quietButton } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";
import { passwordInput, usernameInput } from "./password_form.js";

/** @typedef {(message: string) => Promise<void>} Done */

const WHY = _(
  "With a second factor, sign-in asks for a code of an authenticator app as well, so a " +
    "password alone lets nobody in.",
);

/**
 * @param {import("./page.js").Account} account
 * @param {Done} done
 */
export function secondFactorContent({ name, second_factor: factor }, done) {
  if (!factor) return [note(WHY), beginForm(name, done)];
  const codes = factor.recovery_codes;
  return [
    note(
      n_(
        "In force since {time}. {count} recovery code is left.",
        "In force since {time}. {count} recovery codes are left.",
        codes,
        { time: dateTime(factor.since) },
      ),
    ),
    currentPasswordForm(name, _("Remove the second factor"), async (current) => {
      await post("account/second-factor/remove", { current });
      await done(_("The second factor was removed."));
    }),
  ];
}

/**
 * @param {string} name Of the user.
 * @param {Done} done
 */
function beginForm(name, done) {
  const place = make("div");
  const form = currentPasswordForm(name, _("Add a second factor"), async (current) => {
    const enrolment = await post("account/second-factor", { current });
    place.replaceChildren(confirmForm(enrolment, place, done));
  });
  place.append(form);
  return place;
}

/**
 * @param {{ secret: string, picture: string }} enrolment
 * @param {HTMLElement} place
 * @param {Done} done
 */
function confirmForm({ secret, picture }, place, done) {
  const code = make("input", {
    id: "factor-code",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    required: true,
    maxlength: "10",
  });
  const error = errorLine();
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    try {
      const { codes } = await post("account/second-factor/confirm", { code: code.value });
      place.replaceChildren(recoveryCodes(codes, done));
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
  };
  return make(
    "form",
    { onsubmit: submit, "aria-label": _("Confirm the second factor") },
    note(_("Scan this with an authenticator app, or type the key into it. Then enter its code.")),
    make("img", { class: "qr", src: picture, alt: _("QR code of the key below") }),
    make("p", {}, make("code", { class: "factor-secret", text: grouped(secret) })),
    field(_("Code of the app"), code),
    error,
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button", text: _("Confirm") }),
    ),
  );
}

/**
 * @param {string[]} codes
 * @param {Done} done
 */
const recoveryCodes = (codes, done) =>
  make(
    "div",
    { role: "status" },
    make("h3", { text: _("Keep these recovery codes") }),
    note(
      _(
        "Each signs you in once without the app. They are shown only now: print or store " +
          "them.",
      ),
    ),
    make(
      "ul",
      { class: "recovery-codes" },
      ...codes.map((code) => make("li", {}, make("code", { text: code }))),
    ),
    quietButton(_("I have stored them"), () => done(_("The second factor is in force."))),
  );

/**
 * A form that asks for the current password and then acts.
 * @param {string} name Of the user.
 * @param {string} text Of the button.
 * @param {(current: string) => Promise<void>} act
 */
function currentPasswordForm(name, text, act) {
  const current = passwordInput("factor-password", "current-password");
  const error = errorLine();
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    error.textContent = "";
    try {
      await act(current.value);
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
  };
  return make(
    "form",
    { onsubmit: submit, "aria-label": text },
    usernameInput(name),
    field(_("Current password"), current),
    error,
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button quiet", text }),
    ),
  );
}

/** @param {string} secret */
const grouped = (secret) => secret.replace(/(.{4})(?=.)/g, "$1 ");

/** @param {string} text */
const note = (text) => make("p", { class: "soft", text });
