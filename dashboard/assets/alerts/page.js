// @ts-check
/* The page Alerts, kept up to date. */
import { messageOf, post, request } from "../kit/api.js";
import { byId, make, redrawKeepingFocus } from "../kit/dom.js";
import { errorLine, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { deliveryText, historyTable, openContent } from "./events.js";
import { ruleForm } from "./rule_form.js";
import { rulesContent } from "./rules.js";
import { savedNote, targetForm } from "./target_form.js";
import { targetsContent } from "./targets.js";

const REFRESH_MS = 10_000;
const ANSWER_MS = 1000;
/* After this many looks, a test that was not attempted waits for a scheduler. */
const LOOKS = 40;

definePage("alerts", () => {
  const root = byId("alerts-page");
  const lifetime = new Lifetime();
  const isOperator = Boolean(root.dataset.operator);
  const isAdmin = Boolean(root.dataset.admin);
  const status = make("p", { class: "soft", role: "status" });
  const error = errorLine();
  const [open, rules, targets, history, form, targetPlace] = Array.from({ length: 6 }, () =>
    make("div"),
  );
  /** @type {any} */
  let overview = null;

  const refresh = async () => {
    try {
      const [found, past] = await Promise.all([
        request("alerts/overview"),
        request("alerts/history"),
      ]);
      if (lifetime.ended) return;
      overview = found;
      add.disabled = false;
      redraw(open, openContent(found.open, { ack, mute: muteByName }, isOperator));
      redraw(rules, rulesContent(found.rules, acts, isOperator, root));
      const may = { mayTest: isOperator, mayChange: isAdmin };
      const targetActs = { change, test: testTarget, edit: openTarget };
      redraw(targets, [targetsContent(found.targets, targetActs, may, root)]);
      redraw(history, [historyTable(past.events, isOperator ? replay : null)]);
    } catch (failure) {
      if (!lifetime.ended) error.textContent = messageOf(failure);
    }
  };
  const change = async (/** @type {string} */ path, /** @type {object} */ json, said = "") => {
    error.textContent = "";
    try {
      await post(`alerts/${path}`, json);
      status.textContent = said;
      window.dispatchEvent(new Event("alerts"));
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
    await refresh();
  };
  const ack = (/** @type {number} */ number) => change("ack", { number });
  const mute = (/** @type {string} */ name, /** @type {number} */ minutes) =>
    change(
      "rules/mute",
      { name, minutes },
      minutes
        ? _("{name} is muted for an hour: nobody is told.", { name })
        : _("{name} is not muted any more.", { name }),
    );
  const muteByName = (/** @type {string} */ name) => mute(name, 60);

  const test = async (/** @type {string} */ path, /** @type {string} */ name) => {
    error.textContent = "";
    try {
      const { events } = await post(`alerts/${path}`, { name });
      status.textContent = _("A test is on its way.");
      follow(events, 0);
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
  };
  const testTarget = (/** @type {string} */ name) => test("targets/test", name);

  const replay = async (/** @type {import("./events.js").Delivery} */ { pk, target }) => {
    await change(
      "targets/replay",
      { name: target, number: pk },
      _("It will be delivered to {name} again.", { name: target }),
    );
  };

  const follow = async (/** @type {number[]} */ events, /** @type {number} */ looks) => {
    const answers = await Promise.all(
      events.map((event) => request(`alerts/deliveries?event=${event}`)),
    ).catch(() => []);
    if (lifetime.ended) return;
    const found = answers.flatMap(({ deliveries }) => deliveries);
    const isDone = found.length && found.every(({ attempts }) => attempts > 0);
    if (isDone) status.textContent = found.map(deliveryText).join(" · ");
    else if (looks > LOOKS) {
      status.textContent = _("The test still waits: a scheduler delivers it, in order.");
    } else lifetime.after(() => follow(events, looks + 1), ANSWER_MS);
    if (isDone) await refresh();
  };

  const openForm = (
    /** @type {import("./words.js").Rule | null} */ rule,
    /** @type {import("./rules.js").Idea | null} */ idea = null,
  ) => {
    const known = { ...overview, zone: root.dataset.zone ?? "UTC" };
    const close = () => {
      form.replaceChildren();
      add.focus();
    };
    const saved = (/** @type {string} */ message) => {
      close();
      status.textContent = message;
      refresh();
    };
    form.replaceChildren(ruleForm(rule, known, { saved, cancelled: close }, idea));
    form.querySelector("input")?.focus();
    form.scrollIntoView({ block: "nearest" });
  };
  const openTarget = (/** @type {import("./targets.js").Target | null} */ target) => {
    const close = () => {
      targetPlace.replaceChildren();
      addTarget.hidden = false;
      addTarget.focus();
    };
    addTarget.hidden = true;
    const saved = (/** @type {string} */ name, /** @type {string} */ secret) => {
      const test = () => {
        if (!secret) close(); // With one, it stays until it was copied.
        testTarget(name);
      };
      targetPlace.replaceChildren(savedNote(name, secret, test, close));
      targetPlace.querySelector("button")?.focus();
      refresh();
    };
    const act = (/** @type {string} */ path, /** @type {object} */ json) =>
      post(`alerts/${path}`, json);
    targetPlace.replaceChildren(targetForm(target, act, { saved, cancelled: close }));
    targetPlace.querySelector("input")?.focus();
    targetPlace.scrollIntoView({ block: "nearest" });
  };
  const addTarget = quietButton(_("Add a target"), () => openTarget(null));
  const acts = {
    edit: (/** @type {any} */ rule) => openForm(rule),
    begin: (/** @type {any} */ idea) => openForm(null, idea),
    mute: (/** @type {any} */ rule, /** @type {number} */ minutes) => mute(rule.name, minutes),
    test: (/** @type {any} */ rule) => test("rules/test", rule.name),
    remove: (/** @type {any} */ { name }) =>
      change("rules/remove", { name }, _("{name} was removed.", { name })),
  };
  const add = quietButton(_("Add a rule"), () => openForm(null), { class: "button", disabled: true });

  root.replaceChildren(
    make("div", { class: "toolbar" }, isOperator ? add : "", status),
    error,
    section("open", _("Open now"), open),
    form,
    section("rules", _("Rules"), rules),
    section(
      "targets",
      _("Who is told"),
      targets,
      targetPlace,
      isAdmin ? make("div", { class: "alert-buttons" }, addTarget) : null,
    ),
    section("history", _("History"), history),
  );
  lifetime.repeat(refresh, REFRESH_MS);
  return () => lifetime.end();
});

/**
 * @param {string} id
 * @param {string} title
 * @param {(Node | null)[]} children
 */
const section = (id, title, ...children) =>
  make(
    "section",
    { class: "panel alert-part", id: `alerts-${id}`, "aria-label": title },
    make("h2", { text: title }),
    ...children,
  );

/**
 * @param {HTMLElement} place
 * @param {Node[]} children
 */
const redraw = (place, children) =>
  redrawKeepingFocus(place, () => place.replaceChildren(...children));
