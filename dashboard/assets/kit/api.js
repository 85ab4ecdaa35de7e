// @ts-check
/* Requests to this dashboard's own routes. */
import { known } from "./core_messages.js";
import { byId, make } from "./dom.js";
import { _ } from "./language.js";
import { visible } from "./visible.js";

/** The status of a request that the user must repeat later: too many of theirs run at once. */
export const TOO_MANY_REQUESTS = 429;

/** A request that failed. status: the HTTP status, or 0 if there was no answer. body: its JSON. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status
   * @param {any} [body]
   */
  constructor(message, status, body = null) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** The address below which all pages and routes are, "/" unless a prefix is set. */
export const base = () => byId("shell").dataset.base ?? "/";

/**
 * Request a route below api/ and return its JSON, or its text if it sends no JSON.
 * Raises RequestError with the server's message if it fails.
 * @param {string} path
 * @param {RequestInit & { json?: unknown }} [options] json: sent as the body.
 * @returns {Promise<any>}
 */
export async function request(path, options = {}) {
  const { json, ...rest } = options;
  if (json !== undefined) {
    rest.body = JSON.stringify(json);
    rest.headers = { "Content-Type": "application/json", ...rest.headers };
  }
  const answer = await fetch(`${base()}api/${path}`, rest).catch(() => {
    throw new RequestError(_("The dashboard does not respond. Check that it is running."), 0);
  });
  const type = answer.headers.get("content-type") ?? "";
  const body = type.includes("json") ? await answer.json() : await answer.text();
  if (!answer.ok) {
    const message =
      body?.error || _("The request failed (HTTP {status}).", { status: answer.status });
    throw new RequestError(message, answer.status, body);
  }
  return body;
}

/**
 * POST a JSON document to a route.
 * @param {string} path
 * @param {unknown} [json]
 */
export const post = (path, json = {}) => request(path, { method: "POST", json });

/**
 * The message of a caught error.
 * @param {unknown} error
 */
export const messageOf = (error) =>
  visible(known(error instanceof Error ? error.message : String(error)));

/* Dash's requests count as well: any of them may be the first that finds the session expired. */
const send = window.fetch;
window.fetch = async (...args) => {
  const answer = await send(...args);
  if (answer.status === 401) showSignedOut();
  return answer;
};

function showSignedOut() {
  if (document.getElementById("signed-out")) return;
  const here = encodeURIComponent(location.pathname + location.search);
  document.body.prepend(
    make(
      "div",
      { id: "signed-out", class: "signed-out", role: "alert" },
      make("span", { text: _("You are signed out. This page is no longer updated.") }),
      make("a", { class: "button", href: `${base()}login?next=${here}`, text: _("Sign in again") }),
    ),
  );
}
