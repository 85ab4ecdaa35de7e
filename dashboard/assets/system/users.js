// @ts-check
/* Users: an admin adds, changes and removes them. */
import { passwordInput, usernameInput } from "../account/password_form.js";
import { messageOf, post, request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { dateTime, number } from "../kit/format.js";
import { confirmDialog, errorLine, field, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { table } from "../kit/tables.js";

/**
 * @typedef {object} User
 * @property {string} name
 * @property {string} role
 * @property {number} created_at
 * @property {number} sessions
 * @property {boolean} second_factor
 */

const ROLES = { viewer: _("viewer"), operator: _("operator"), admin: _("admin") };
const PASSWORD_HINT = _("At least 10 characters, and not easy to guess.");
const ROLES_HINT = _(
  "viewer: look at everything. operator: also change sources and recordings. admin: " +
    "also erase, and manage users.",
);

/**
 * The users' table and the form to add one.
 * @param {() => boolean} ended Whether the page was left.
 */
export function usersContent(ended) {
  const list = make("div");
  const error = errorLine();
  const status = make("p", { class: "soft", role: "status" });

  const refresh = async () => {
    const { users, own } = await request("system/users");
    if (!ended()) list.replaceChildren(usersTable(users, own, act, list));
  };
  const act = async (/** @type {string} */ path, /** @type {object} */ json, said = "") => {
    error.textContent = "";
    try {
      await post(`system/users${path}`, json);
      status.textContent = said;
      await refresh();
      return true;
    } catch (failure) {
      error.textContent = messageOf(failure);
      await refresh().catch(() => undefined);
      return false;
    }
  };
  refresh().catch((failure) => {
    error.textContent = messageOf(failure);
  });
  return [list, error, status, addForm(act)];
}

/** @typedef {(path: string, json: object, said?: string) => Promise<boolean>} Act */

/** @param {string} role */
const roleName = (role) => /** @type {Record<string, string>} */ (ROLES)[role] ?? role;

/**
 * @param {User[]} users
 * @param {string} own The admin's name.
 * @param {Act} act
 * @param {HTMLElement} parent Of dialogs.
 */
function usersTable(users, own, act, parent) {
  if (!users.length) {
    return make("p", { text: _("No users yet. The owner of the host signs in by a link.") });
  }
  return table(
    _("Users, table"),
    [_("User"), _("Role"), _("Since"), _("Sessions"), _("Second factor"), _("Change")],
    users.map((user) => [
      user.name,
      roleName(user.role),
      dateTime(user.created_at),
      number(user.sessions),
      user.second_factor ? _("yes") : _("no"),
      user.name === own ? _("You: see Your account") : buttons(user, act, parent),
    ]),
  );
}

/**
 * @param {User} user
 * @param {Act} act
 * @param {HTMLElement} parent
 */
function buttons({ name, role, second_factor: hasCode }, act, parent) {
  const changeRole = () => {
    const select = roleSelect("user-new-role", role);
    changeDialog(
      parent,
      _("Role of {name}", { name }),
      [field(_("Role"), select, ROLES_HINT)],
      () =>
        act(
          "/role",
          { name, role: select.value },
          _("{name} is now {role}, signed out.", { name, role: roleName(select.value) }),
        ),
    );
  };
  const changePassword = () => {
    const password = passwordInput("user-new-password", "new-password");
    const fields = [usernameInput(name), field(_("New password"), password, PASSWORD_HINT)];
    changeDialog(parent, _("New password for {name}", { name }), fields, () =>
      act(
        "/password",
        { name, password: password.value },
        _("{name} has a new password.", { name }),
      ),
    );
  };
  const remove = () =>
    confirmDialog(
      parent,
      {
        name: _("Remove {name}", { name }),
        title: _("Remove {name}?", { name }),
        text: _("The user is signed out at once and can no longer sign in."),
        confirm: _("Remove the user"),
        cancel: _("Keep the user"),
      },
      () => act("/remove", { name }, _("{name} was removed.", { name })),
    );
  return make(
    "div",
    { class: "row-buttons" },
    quietButton(_("Change role"), changeRole, {
      "aria-label": _("Change the role of {name}", { name }),
    }),
    quietButton(_("New password"), changePassword, {
      "aria-label": _("New password for {name}", { name }),
    }),
    hasCode
      ? quietButton(_("Remove second factor"), () =>
          act("/code", { name }, _("{name} signs in without a code now.", { name })),
        )
      : null,
    quietButton(_("Remove"), remove, {
      class: "button danger",
      "aria-label": _("Remove {name}", { name }),
    }),
  );
}

/**
 * A dialog with fields, which closes and then makes the change.
 * @param {HTMLElement} parent
 * @param {string} title
 * @param {HTMLElement[]} fields
 * @param {() => void} change
 */
function changeDialog(parent, title, fields, change) {
  const save = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    dialog.close();
    change();
  };
  const dialog = make(
    "dialog",
    { class: "dialog", "aria-label": title, onclose: () => dialog.remove() },
    make(
      "form",
      { onsubmit: save },
      make("h2", { text: title }),
      ...fields,
      make(
        "div",
        { class: "toolbar" },
        make("button", { type: "submit", class: "button", text: _("Save") }),
        quietButton(_("Cancel"), () => dialog.close()),
      ),
    ),
  );
  parent.append(dialog);
  dialog.showModal();
}

/**
 * @param {string} id
 * @param {string} chosen
 */
const roleSelect = (id, chosen) =>
  make(
    "select",
    { id },
    ...Object.entries(ROLES).map(([value, text]) =>
      make("option", { value, text, selected: value === chosen }),
    ),
  );

/** @param {Act} act */
function addForm(act) {
  const name = make("input", {
    id: "user-name",
    maxlength: "64",
    required: true,
    autocomplete: "off",
    autocapitalize: "none",
  });
  const role = roleSelect("user-role", "viewer");
  const password = passwordInput("user-password", "new-password");
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const json = { name: name.value, role: role.value, password: password.value };
    const said = _("{name} can now sign in, and should then change the password.", {
      name: name.value,
    });
    if (await act("", json, said)) form.reset();
  };
  const form = make(
    "form",
    { onsubmit: submit, "aria-label": _("Add a user") },
    make("h3", { text: _("Add a user") }),
    make(
      "div",
      { class: "form-grid" },
      field(_("Name"), name),
      field(_("Role"), role, ROLES_HINT),
      field(_("First password"), password, PASSWORD_HINT),
    ),
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button quiet", text: _("Add the user") }),
    ),
  );
  return form;
}
