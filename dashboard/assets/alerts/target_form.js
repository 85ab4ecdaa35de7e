// @ts-check
/* The form of a target: the ways to tell somebody, each with its own fields. */
import { RequestError, messageOf } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { errorLine, field, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { choice } from "./choices.js";

/**
 * @typedef {import("./targets.js").Target} Target
 * @typedef {(path: string, json: object) => Promise<any>} Act Raises RequestError.
 * @typedef {{ key: string, label: string, hint?: string, needed?: boolean, type?: string,
 *   options?: [value: string, text: string][], placeholder?: string }} Part
 */

/** @type {Part} */
const USER = { key: "user", label: _("User name") };
/** @type {Part} */
const PASSWORD = { key: "password", label: _("Password"), type: "password" };
/** @type {[string, string]} */
const TLS = ["tls", _("TLS")];
/** @type {[string, string]} */
const PLAIN = ["none", _("not encrypted")];

/** @type {Record<string, { name: string, about: string, parts: Part[] }>} */
const WAYS = {
  push: {
    name: _("Phone, with the app ntfy"),
    about: _("Install the app ntfy on the phone, and subscribe to the topic there."),
    parts: [
      {
        key: "topic",
        label: _("Topic"),
        needed: true,
        hint: _("Whoever knows it can read along: choose one that nobody guesses."),
      },
      { key: "server", label: _("Server"), placeholder: "ntfy.sh", hint: _("Empty: ntfy.sh.") },
      {
        key: "password",
        label: _("Access token"),
        type: "password",
        hint: _("Only if the topic needs one."),
      },
    ],
  },
  email: {
    name: _("E-mail"),
    about: _("Your mail server sends the messages, with an account that you give moodline there."),
    parts: [
      { key: "server", label: _("Mail server"), needed: true, placeholder: "mail.example.com:587" },
      {
        key: "encryption",
        label: _("Encryption"),
        options: [["starttls", "STARTTLS"], TLS, PLAIN],
      },
      USER,
      PASSWORD,
      { key: "sender", label: _("Sender"), needed: true, placeholder: "moodline@example.com" },
      {
        key: "recipients",
        label: _("Recipients"),
        needed: true,
        placeholder: "ana@example.com",
        hint: _("Several addresses with commas between them."),
      },
    ],
  },
  webhook: {
    name: _("Webhook"),
    about: _("A program of yours gets signed JSON, by the Standard Webhooks specification."),
    parts: [
      { key: "url", label: _("URL"), needed: true, type: "url", placeholder: "https://" },
    ],
  },
  mqtt: {
    name: "MQTT",
    about: _("A topic of your broker gets the same JSON as a webhook."),
    parts: [
      { key: "server", label: _("Broker"), needed: true, placeholder: "broker.local:8883" },
      { key: "encryption", label: _("Encryption"), options: [TLS, PLAIN] },
      USER,
      PASSWORD,
      { key: "topic", label: _("Topic"), placeholder: "moodline/alerts" },
    ],
  },
  service: {
    name: _("Chat or another service"),
    about: _("Slack, Discord, Teams, Telegram, Pushover and 100 more, by Apprise."),
    parts: [
      {
        key: "url",
        label: _("URL"),
        needed: true,
        placeholder: "https://hooks.slack.com/…  tgram://…",
        hint: _("The webhook address that the service gave you, or a URL of Apprise."),
      },
    ],
  },
};
/** @type {Record<string, string>} */
const USUAL_WAYS = { webhook: "webhook", mqtt: "mqtt", apprise: "service" };

/**
 * @param {Target | null} target To change; null for a new one.
 * @param {Act} act
 * @param {{ saved: (name: string, secret: string) => void, cancelled: () => void }} on
 *   secret: signs webhooks; "" if there is no new one.
 */
export function targetForm(target, act, on) {
  const name = make("input", {
    id: "target-name",
    maxlength: "64",
    required: true,
    value: target?.name ?? "",
  });
  const way = choice(
    "target-way",
    Object.entries(WAYS).map(([key, { name: text }]) => [key, text]),
    target ? wayOf(target) : "push",
  );
  const parts = Object.keys(WAYS).map((key) => wayParts(key, target !== null));
  const renewed = make("input", { type: "checkbox", id: "target-new-secret" });
  const renewal = make(
    "label",
    { class: "alert-box", for: renewed.id },
    renewed,
    make("span", { text: _("Sign with a new secret") }),
  );
  const error = errorLine();
  const shown = () => parts.find((one) => one.key === way.value) ?? parts[0];
  const follow = () => {
    for (const { key, node } of parts) node.hidden = node.disabled = key !== way.value;
    renewal.hidden = target?.kind !== "webhook" || way.value !== "webhook";
  };
  way.addEventListener("change", follow);
  follow();
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    error.textContent = "";
    for (const control of form.querySelectorAll("[aria-invalid]")) {
      control.removeAttribute("aria-invalid");
    }
    const entered = { name: name.value.trim(), way: way.value, ...shown().entered() };
    save.disabled = true;
    try {
      const answer = target
        ? await act("targets/edit", { ...entered, of: target.name, new_secret: renewed.checked })
        : await act("targets/add", entered);
      on.saved(answer.name, answer.secret);
    } catch (failure) {
      error.textContent = messageOf(failure);
      markWrong(failure, way.value);
    }
    save.disabled = false;
  };
  const title = target ? _("Edit {name}", { name: target.name }) : _("Add a target");
  const save = make("button", {
    type: "submit",
    class: "button",
    text: target ? _("Save the target") : _("Add the target"),
  });
  const form = make(
    "form",
    { class: "panel alert-form", "aria-label": title, onsubmit: submit },
    make("h2", { text: title }),
    make("div", { class: "form-grid" }, field(_("Name"), name), field(_("How"), way)),
    ...parts.map(({ node }) => node),
    target ? renewal : null,
    error,
    make("div", { class: "toolbar" }, save, quietButton(_("Cancel"), on.cancelled)),
  );
  return form;
}

/**
 * The message after a target was saved, with the secret that verifies its messages.
 * @param {string} name
 * @param {string} secret
 * @param {() => void} test
 * @param {() => void} close
 */
export const savedNote = (name, secret, test, close) =>
  make(
    "div",
    { class: "panel alert-form alert-saved", role: "status" },
    make("h2", { text: _("{name} was saved.", { name }) }),
    secret
      ? make("p", {
          text: _("Verify its messages with this secret. Copy it now: it is not shown again."),
        })
      : make("p", { text: _("Send a test, to see that it arrives.") }),
    secret ? make("code", { class: "token", text: secret, tabindex: "0" }) : null,
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "button", class: "button", text: _("Send a test"), onclick: test }),
      quietButton(_("Close"), close),
    ),
  );

/** @param {Target} target */
function wayOf({ kind, shown_address: address }) {
  if (kind !== "apprise") return USUAL_WAYS[kind] ?? "service";
  if (/^ntfys?:/.test(address)) return "push";
  return /^mailtos?:/.test(address) ? "email" : "service";
}

/**
 * The way of a target, in words.
 * @param {Target} target
 */
export function wayText(target) {
  const way = wayOf(target);
  if (way !== "service") return WAYS[way].name;
  return target.shown_address.split(":")[0];
}

/**
 * The fields of a way.
 * @param {string} key
 * @param {boolean} isKnown Whether the target exists: without an address, its own stays.
 */
function wayParts(key, isKnown) {
  const { about, parts } = WAYS[key];
  const controls = parts.map((part) => control(`target-${key}-${part.key}`, part, isKnown));
  const node = make(
    "fieldset",
    { class: "alert-way" },
    make("legend", { class: "hint", text: about }),
    isKnown
      ? make("p", { class: "hint", text: _("Its address stays, unless you enter another one.") })
      : null,
    make(
      "div",
      { class: "form-grid" },
      ...parts.map(({ label, hint }, number) => field(label, controls[number], hint)),
    ),
  );
  const entered = () =>
    Object.fromEntries(parts.map((part, number) => [part.key, controls[number].value.trim()]));
  return { key, node, entered };
}

/**
 * @param {string} id
 * @param {Part} part
 * @param {boolean} isKnown
 */
function control(id, { options, type = "text", needed, placeholder, key }, isKnown) {
  if (options) return choice(id, options, options[0][0]);
  return make("input", {
    id,
    type,
    placeholder,
    maxlength: key === "url" ? "2048" : "300",
    required: Boolean(needed) && !isKnown,
    autocomplete: type === "password" ? "new-password" : "off",
    spellcheck: "false",
  });
}

/**
 * Name the field that the server refused.
 * @param {unknown} failure
 * @param {string} way
 */
function markWrong(failure, way) {
  const name = failure instanceof RequestError ? failure.body?.field : "";
  const ids =
    name === "name" ? ["target-name"] : [name, "server"].map((one) => `target-${way}-${one}`);
  const wrong = ids.map((id) => document.getElementById(id)).find(Boolean);
  if (!name || !wrong) return;
  wrong.setAttribute("aria-invalid", "true");
  wrong.focus();
}
