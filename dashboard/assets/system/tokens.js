// @ts-check
/* Tokens: an admin makes and revokes those with which programs use the API. */
import { base, messageOf, post, request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { dateTime } from "../kit/format.js";
import { confirmDialog, errorLine, field, quietButton } from "../kit/forms.js";
import { _, parts } from "../kit/language.js";
import { table } from "../kit/tables.js";

/**
 * @typedef {object} Token
 * @property {string} name
 * @property {string} scope
 * @property {string[] | null} sources
 * @property {number} created_at
 * @property {string} created_by
 * @property {number | null} expires_at
 * @property {number | null} used_at
 * @property {string} used_from
 */

const SCOPES = { read: _("read"), write: _("write"), admin: _("admin") };
const SCOPES_HINT = _(
  "read: read everything. write: also change sources and recordings. admin: also delete results.",
);
const DAYS = { "": _("never"), 30: _("in 30 days"), 90: _("in 90 days"), 365: _("in a year") };

/** @typedef {(path: string, json: object) => Promise<any>} Act The answer, or null. */

/**
 * The tokens' table and the form to make one.
 * @param {() => boolean} ended Whether the page was left.
 */
export function tokensContent(ended) {
  const list = make("div");
  const error = errorLine();
  const made = make("div", { role: "status" });

  const refresh = async () => {
    const { tokens } = await request("system/tokens");
    if (!ended()) list.replaceChildren(tokensTable(tokens, act, list));
  };
  /** @type {Act} */
  const act = async (path, json) => {
    error.textContent = "";
    made.replaceChildren();
    try {
      const answer = await post(`system/tokens${path}`, json);
      await refresh();
      return answer;
    } catch (failure) {
      error.textContent = messageOf(failure);
      await refresh().catch(() => undefined);
      return null;
    }
  };
  refresh().catch((failure) => {
    error.textContent = messageOf(failure);
  });
  const help = make(
    "p",
    { class: "soft" },
    ...parts("Programs send a token to the API. {link}", {
      link: make("a", { href: `${base()}api/v1/reference`, text: _("What the API can do") }),
    }),
  );
  return [help, list, error, made, addForm(act, made)];
}

/**
 * @param {Token[]} tokens
 * @param {Act} act
 * @param {HTMLElement} parent Of dialogs.
 */
function tokensTable(tokens, act, parent) {
  if (!tokens.length) return make("p", { text: _("No tokens yet.") });
  return table(
    _("Tokens of programs, table"),
    [_("Token"), _("Scope"), _("Sources"), _("Expires"), _("Last used"), _("Made by"), _("Change")],
    tokens.map((token) => [
      token.name,
      /** @type {Record<string, string>} */ (SCOPES)[token.scope] ?? token.scope,
      sourcesText(token),
      expiryText(token),
      token.used_at === null
        ? _("never")
        : _("{time} from {place}", { time: dateTime(token.used_at), place: token.used_from }),
      token.created_by,
      revokeButton(token, act, parent),
    ]),
  );
}

/** @param {Token} token */
function sourcesText({ sources }) {
  if (sources === null) return _("all");
  return sources.join(", ") || _("none: they were erased");
}

/** @param {Token} token */
function expiryText({ expires_at: at }) {
  if (at === null) return _("never");
  return at * 1000 > Date.now()
    ? dateTime(at)
    : _("{time}: it has expired", { time: dateTime(at) });
}

/**
 * @param {Token} token
 * @param {Act} act
 * @param {HTMLElement} parent
 */
function revokeButton({ name }, act, parent) {
  const revoke = () =>
    confirmDialog(
      parent,
      {
        name: _("Revoke {name}", { name }),
        title: _("Revoke {name}?", { name }),
        text: _("Programs that use it can no longer sign in with it. It cannot be undone."),
        confirm: _("Revoke the token"),
        cancel: _("Keep the token"),
      },
      () => act("/revoke", { name }),
    );
  return quietButton(_("Revoke"), revoke, {
    class: "button danger",
    "aria-label": _("Revoke the token {name}", { name }),
  });
}

/**
 * @param {Act} act
 * @param {HTMLElement} made Shows the new token, once.
 */
function addForm(act, made) {
  const name = make("input", {
    id: "token-name",
    maxlength: "64",
    required: true,
    autocomplete: "off",
    autocapitalize: "none",
  });
  const scope = select("token-scope", SCOPES, "read");
  const sources = make("input", { id: "token-sources", maxlength: "4000", autocomplete: "off" });
  const days = select("token-days", DAYS, "");
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const names = sources.value.split(",").map((one) => one.trim());
    const json = {
      name: name.value,
      scope: scope.value,
      sources: names.filter(Boolean),
      days: days.value ? Number(days.value) : null,
    };
    const answer = await act("", json);
    if (answer === null) return;
    made.replaceChildren(
      make("p", { text: _("Copy it now: it is not shown again.") }),
      make("code", { class: "token", text: answer.token, tabindex: "0" }),
    );
    form.reset();
  };
  const form = make(
    "form",
    { onsubmit: submit, "aria-label": _("Make a token") },
    make("h3", { text: _("Make a token") }),
    make(
      "div",
      { class: "form-grid" },
      field(_("Name"), name),
      field(_("Scope"), scope, SCOPES_HINT),
      field(_("Sources"), sources, _("Names, separated by commas. Empty: all sources.")),
      field(_("Expires"), days),
    ),
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button quiet", text: _("Make the token") }),
    ),
  );
  return form;
}

/**
 * @param {string} id
 * @param {Record<string, string>} options Texts by value.
 * @param {string} chosen
 */
const select = (id, options, chosen) =>
  make(
    "select",
    { id },
    ...Object.entries(options).map(([value, text]) =>
      make("option", { value, text, selected: value === chosen }),
    ),
  );
