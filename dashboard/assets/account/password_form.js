// @ts-check
/* The form to change one's own password. */
import { messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { errorLine, field } from "../kit/forms.js";
import { _ } from "../kit/language.js";

const HINT = _(
  "At least 10 characters, and not easy to guess: three or four unrelated words are " + "good.",
);

/**
 * A field for a password.
 * @param {string} id
 * @param {"current-password" | "new-password"} autocomplete
 */
export const passwordInput = (id, autocomplete) =>
  make("input", { id, type: "password", autocomplete, required: true, maxlength: "1024" });

/**
 * The user's name in a form, hidden: password managers look for it.
 * @param {string} value
 */
export const usernameInput = (value) =>
  make("input", { autocomplete: "username", value, hidden: true, readonly: true });

/**
 * @param {string} name Of the user.
 * @param {(message: string) => Promise<void>} done
 */
export function passwordForm(name, done) {
  const current = passwordInput("current-password", "current-password");
  const fresh = passwordInput("new-password", "new-password");
  const again = passwordInput("new-password-again", "new-password");
  const error = errorLine();
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    error.textContent = fresh.value === again.value ? "" : _("The two new passwords differ.");
    if (error.textContent) return;
    try {
      await post("account/password", { current: current.value, new: fresh.value });
      await done(_("The password was changed, and your other sessions ended."));
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
  };
  return make(
    "form",
    { onsubmit: submit, "aria-label": _("Change the password") },
    usernameInput(name),
    make(
      "div",
      { class: "form-grid" },
      field(_("Current password"), current),
      field(_("New password"), fresh, HINT),
      field(_("New password, again"), again),
    ),
    error,
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button", text: _("Change the password") }),
    ),
  );
}
