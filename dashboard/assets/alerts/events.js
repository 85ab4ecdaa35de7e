// @ts-check
/* Events: the open alerts, and the history with what was delivered. */
import { make } from "../kit/dom.js";
import { dateTime, duration, percent } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _, n_, pair } from "../kit/language.js";
import { rangeHref, sourceLink } from "../kit/links.js";
import { stateBadge } from "../kit/live_states.js";
import { table } from "../kit/tables.js";
import { DELIVERY_STATES, SEVERITIES, measureTitle, reasonText, valueText } from "./words.js";

/**
 * @typedef {object} Delivery
 * @property {number} pk
 * @property {string} target
 * @property {string} state
 * @property {number} attempts
 * @property {number} next_at
 * @property {number | null} ended_at
 * @property {string} result
 *
 * @typedef {object} AlertEvent
 * @property {number} number
 * @property {string} kind
 * @property {string} rule
 * @property {string} severity
 * @property {string | null} source
 * @property {number} at
 * @property {number | null} value
 * @property {string | null} measure
 * @property {number} limit
 * @property {{ since: number, until: number }} window
 * @property {number | null} coverage
 * @property {string | null} reason
 * @property {string} note
 * @property {boolean} open
 * @property {number | null} resolved_at
 * @property {string} acknowledged_by
 * @property {boolean} muted
 * @property {Delivery[]} [deliveries]
 */

/** @type {Record<string, string>} */
const COLOURS = { info: "idle", warning: "warn", critical: "bad" };
const AROUND_S = 3600;

/**
 * The open alerts.
 * @param {AlertEvent[]} alerts
 * @param {{ ack: (number: number) => void, mute: (rule: string) => void }} act
 * @param {boolean} mayChange
 */
export function openContent(alerts, act, mayChange) {
  if (!alerts.length) return [make("p", { class: "soft", text: _("No alert is open.") })];
  return [
    make(
      "ul",
      { class: "alert-cards" },
      ...alerts.map((alert) =>
        make(
          "li",
          { class: `alert-card alert-${alert.severity}`, "data-key": `alert ${alert.number}` },
          make(
            "div",
            { class: "alert-head" },
            stateBadge(COLOURS[alert.severity] ?? "warn", SEVERITIES[alert.severity] ?? ""),
            make("strong", { text: alert.rule }),
            alert.source ? sourceLink(alert.source) : null,
          ),
          make("p", { text: seenText(alert) }),
          make("p", { class: "soft", text: sinceText(alert) }),
          make(
            "div",
            { class: "alert-buttons" },
            trendsLink(alert),
            mayChange && !alert.acknowledged_by
              ? quietButton(_("Acknowledge"), () => act.ack(alert.number), {
                  "aria-label": _("Acknowledge {rule}", { rule: alert.rule }),
                  "data-key": `ack ${alert.number}`,
                })
              : null,
            mayChange
              ? quietButton(_("Mute for an hour"), () => act.mute(alert.rule), {
                  "aria-label": _("Mute {rule} for an hour", { rule: alert.rule }),
                  "data-key": `mute ${alert.number}`,
                })
              : null,
          ),
        ),
      ),
    ),
  ];
}

/**
 * What was measured: "share of angry was 42 %. 97 % covered."
 * @param {AlertEvent} alert
 */
export function seenText({ measure, value, coverage }) {
  const values = { measure: measureTitle(measure ?? ""), value: valueText(measure, value) };
  const seen = _("{measure} was {value}.", values);
  return coverage === null ? seen : `${seen} ${_("{share} covered.", { share: percent(coverage) })}`;
}

/** @param {AlertEvent} alert */
function sinceText({ at, acknowledged_by: by, muted }) {
  const since = _("Since {time}, {duration}.", {
    time: dateTime(at),
    duration: duration(Date.now() / 1000 - at),
  });
  return [
    since,
    by ? _("Acknowledged by {name}.", { name: by }) : "",
    muted ? _("Muted: nobody was told.") : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {AlertEvent} alert */
function trendsLink({ source, window: { since, until } }) {
  if (!source) return null;
  const range = { since: since - AROUND_S, until: until + AROUND_S };
  return make("a", {
    class: "button quiet",
    href: rangeHref(range, source),
    text: _("Show in Trends"),
    "aria-label": _("Show {source} in Trends", { source }),
  });
}

/**
 * The history as a table.
 * @param {AlertEvent[]} events
 * @param {((delivery: Delivery) => void) | null} replay Deliver again; null if they may not.
 */
export function historyTable(events, replay) {
  if (!events.length) return make("p", { class: "soft", text: _("Nothing has happened yet.") });
  return table(
    _("History of alerts, table"),
    [_("Time"), _("What"), _("Rule"), _("Source"), _("Value"), _("Note"), _("Delivered")],
    events.map((event) => [
      dateTime(event.at),
      kindText(event),
      event.rule,
      event.source ? sourceLink(event.source) : "",
      event.kind === "test" ? "" : valueText(event.measure, event.value),
      noteText(event),
      deliveredContent(event, replay),
    ]),
  );
}

/** @param {AlertEvent} event */
function kindText({ kind, open, severity }) {
  if (kind === "test") return _("test");
  if (kind === "resolved") return stateBadge("good", _("resolved"));
  const text = open ? _("open") : _("fired");
  return stateBadge(open ? (COLOURS[severity] ?? "warn") : "idle", text);
}

/** @param {AlertEvent} event */
function noteText({ kind, reason, resolved_at: end, at, acknowledged_by: by, muted, note }) {
  return [
    reasonText(reason),
    kind === "fired" && end !== null ? _("Lasted {time}.", { time: duration(end - at) }) : "",
    by ? _("Acknowledged by {name}.", { name: by }) : "",
    muted ? _("Muted: nobody was told.") : "",
    kind === "test" ? note : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/**
 * @param {AlertEvent} event
 * @param {((delivery: Delivery) => void) | null} replay
 */
function deliveredContent({ deliveries = [] }, replay) {
  if (!deliveries.length) return _("to nobody");
  return make(
    "ul",
    { class: "alert-deliveries" },
    ...deliveries.map((one) =>
      make(
        "li",
        {},
        make("span", { text: deliveryText(one) }),
        replay && one.state !== "waiting"
          ? make("button", {
              type: "button",
              class: "alert-again",
              text: _("Deliver again"),
              "aria-label": _("Deliver {number} to {name} again", {
                number: one.pk,
                name: one.target,
              }),
              "data-key": `delivery ${one.pk}`,
              onclick: () => replay(one),
            })
          : null,
      ),
    ),
  );
}

/**
 * A delivery in words: "phone: waiting, 3 attempts (HTTP status 500)".
 * @param {Delivery} delivery
 */
export function deliveryText({ target, state, attempts, result }) {
  const words = DELIVERY_STATES[state] ?? state;
  const tried =
    state === "waiting" && attempts
      ? `, ${n_("{count} attempt", "{count} attempts", attempts)}`
      : "";
  return pair(target, `${words}${tried}${result ? ` (${result})` : ""}`);
}
