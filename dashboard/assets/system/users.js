// @ts-check
/* Users: an admin adds, changes and removes them. */
import { passwordInput, usernameInput } from "../account/password_form.js";
import { messageOf, post, request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { confirmDialog, errorLine, field, quietButton } from "../kit/forms.js";
import { dateTime, number } from "../kit/format.js";
import { table } from "../kit/tables.js";

/**
 * @typedef {object} User
 * @property {string} name
 * @property {string} role
 * @property {number} created_at
 * @property {number} sessions
 * @property {boolean} second_factor
 */

const ROLES = ["viewer", "operator", "admin"];
const PASSWORD_HINT = "At least 10 characters, and not easy to guess.";
const ROLES_HINT =
  "viewer: look at everything. operator: also change sources and recordings. admin: also erase, " +
  "and manage users.";

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

/**
 * @param {User[]} users
 * @param {string} own The admin's name.
 * @param {Act} act
 * @param {HTMLElement} parent Of dialogs.
 */
function usersTable(users, own, act, parent) {
  if (!users.length) {
    return make("p", { text: "No users yet. The owner of the host signs in by a link." });
  }
  return table(
    "Users, table",
    ["User", "Role", "Since", "Sessions", "Second factor", "Change"],
    users.map((user) => [
      user.name,
      user.role,
      dateTime(user.created_at),
      number(user.sessions),
      user.second_factor ? "yes" : "no",
      user.name === own ? "You: see Your account" : buttons(user, act, parent),
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
    changeDialog(parent, `Role of ${name}`, [field("Role", select, ROLES_HINT)], () =>
      act("/role", { name, role: select.value }, `${name} is now ${select.value}, signed out.`),
    );
  };
  const changePassword = () => {
    const password = passwordInput("user-new-password", "new-password");
    const fields = [usernameInput(name), field("New password", password, PASSWORD_HINT)];
    changeDialog(parent, `New password for ${name}`, fields, () =>
      act("/password", { name, password: password.value }, `${name} has a new password.`),
    );
  };
  const remove = () =>
    confirmDialog(
      parent,
      {
        name: `Remove ${name}`,
        title: `Remove ${name}?`,
        text: "The user is signed out at once and can no longer sign in.",
        confirm: "Remove the user",
        cancel: "Keep the user",
      },
      () => act("/remove", { name }, `${name} was removed.`),
    );
  return make(
    "div",
    { class: "row-buttons" },
    quietButton("Change role", changeRole, { "aria-label": `Change the role of ${name}` }),
    quietButton("New password", changePassword, { "aria-label": `New password for ${name}` }),
    hasCode
      ? quietButton("Remove second factor", () =>
          act("/code", { name }, `${name} signs in without a code now.`),
        )
      : null,
    quietButton("Remove", remove, { class: "button danger", "aria-label": `Remove ${name}` }),
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
        make("button", { type: "submit", class: "button", text: "Save" }),
        quietButton("Cancel", () => dialog.close()),
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
    ...ROLES.map((one) => make("option", { value: one, text: one, selected: one === chosen })),
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
    const said = `${name.value} can now sign in, and should then change the password.`;
    if (await act("", json, said)) form.reset();
  };
  const form = make(
    "form",
    { onsubmit: submit, "aria-label": "Add a user" },
    make("h3", { text: "Add a user" }),
    make(
      "div",
      { class: "form-grid" },
      field("Name", name),
      field("Role", role, ROLES_HINT),
      field("First password", password, PASSWORD_HINT),
    ),
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button quiet", text: "Add the user" }),
    ),
  );
  return form;
}

