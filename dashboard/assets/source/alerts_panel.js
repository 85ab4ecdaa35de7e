// @ts-check
/* The alerts about a camera: those that are open, and those of the last seven days. */
import { openContent, seenText } from "../alerts/events.js";
import { base } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { dateTime, duration } from "../kit/format.js";
import { _ } from "../kit/language.js";

/**
 * @param {import("./page.js").SourceAnswer} answer
 * @param {{ ack: (number: number) => void, mute: (rule: string) => void }} act
 * @param {boolean} mayChange
 */
export function alertsPanel({ alerts }, act, mayChange) {
  const open = alerts.filter((one) => one.open);
  const ended = alerts.filter((one) => !one.open);
  return make(
    "section",
    { class: "panel source-alerts", "aria-label": _("Alerts") },
    make("h2", { text: _("Alerts") }),
    ...(open.length ? openContent(open, act, mayChange) : []),
    ended.length ? make("ul", { class: "reasons" }, ...ended.map(endedLine)) : null,
    alerts.length
      ? null
      : make("p", { class: "soft", text: _("No alert in the last seven days.") }),
    make("p", {}, make("a", { href: `${base()}alerts`, text: _("Rules and history") })),
  );
}

/** @param {import("../alerts/events.js").AlertEvent} alert */
function endedLine(alert) {
  const { rule, at, resolved_at: end } = alert;
  const lasted = end === null ? "" : _("Lasted {time}.", { time: duration(end - at) });
  return make(
    "li",
    {},
    make("strong", { text: rule }),
    make("span", { text: ` ${seenText(alert)} ` }),
    make("span", { class: "soft", text: `${dateTime(at)}. ${lasted}` }),
  );
}
