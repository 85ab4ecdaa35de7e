// @ts-check
/* The verdict on the whole system: a banner on every page, and the title and icon of the window. */
import { base, messageOf, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make, patch } from "../kit/dom.js";
import { timeOfDay } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { stateBadge } from "../kit/live_states.js";
import { markTitle } from "../kit/pages.js";

/**
 * @typedef {{ command: string, page: string, label: string }} Remedy
 * @typedef {{ kind: string, subject: string, text: string, since: number | null, remedy: Remedy }}
 *   Problem
 * @typedef {{ level: string, problems: Problem[], unknown: string[] }} Verdict
 */

const POLL_MS = 2500;
/* Nobody looks at it; its title and icon are still seen. */
const HIDDEN_POLL_MS = 8000;
/* One request may fail, as while the dashboard restarts. */
const FAILURES = 2;
const HIDDEN = "moodline hidden problems";

/** @type {Record<string, [kind: string, text: string, colour: string]>} */
const LEVELS = {
  degraded: ["warn", _("Degraded"), "%23e0a030"],
  down: ["bad", _("Down"), "%23e03131"],
  unknown: ["bad", _("State unknown"), "%23e03131"],
};
/* The part of the icon's address that draws its dot: see documents.py. */
const NO_DOT = "fill='none'";

let failures = 0;
let shown = "";
/** @type {Verdict | null} */
let verdict = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {HTMLElement} place */
async function refresh(place) {
  clearTimeout(timer);
  try {
    verdict = await request("health");
    failures = 0;
  } catch (error) {
    const { status } = /** @type {{ status?: number }} */ (error);
    if (status === 401) return; // Signed out, which another banner says.
    failures += 1;
    if (failures >= FAILURES) verdict = unreachable(messageOf(error));
  }
  draw(place);
  timer = setTimeout(() => refresh(place), document.hidden ? HIDDEN_POLL_MS : POLL_MS);
}

/**
 * @param {string} text
 * @returns {Verdict}
 */
const unreachable = (text) => ({
  level: "unknown",
  problems: [
    {
      kind: "dashboard-away",
      subject: "",
      text,
      since: null,
      remedy: { command: "moodline status", page: "", label: "" },
    },
  ],
  unknown: [],
});

/** @param {HTMLElement} place */
function draw(place) {
  if (!verdict) return;
  const now = JSON.stringify(verdict.problems) + verdict.level;
  if (now === shown) return;
  window.dispatchEvent(new Event(shown ? "verdict" : "verdict-known"));
  shown = now;
  const level = LEVELS[verdict.level];
  markTitle(level ? level[1] : "");
  drawIcon(level ? level[2] : "");
  place.hidden = !level || isHidden(verdict);
  if (!level) {
    place.replaceChildren();
    return;
  }
  const fresh = make("div", { class: `health-box health-${level[0]}` }, ...content(verdict));
  if (!place.firstElementChild) place.append(fresh);
  else patch(place.firstElementChild, fresh);
}

/** @param {Verdict} verdict */
function content({ level, problems: [first, ...others], unknown }) {
  const [kind, text] = LEVELS[level];
  const notes = others.map((one) => make("li", {}, ...reason(one)));
  if (unknown.length) {
    const names = unknown.map(known).join(", ");
    notes.push(make("li", { text: _("Not known now: {names}.", { names }) }));
  }
  return [
    make(
      "div",
      { class: "health-first" },
      stateBadge(kind, text),
      make("p", {}, ...reason(first)),
      level === "degraded"
        ? make("button", { type: "button", class: "button quiet hide-health", text: _("Hide") })
        : null,
    ),
    notes.length
      ? make(
          "details",
          {},
          make("summary", {
            text: n_("{count} more reason", "{count} more reasons", notes.length),
          }),
          make("ul", {}, ...notes),
        )
      : null,
  ];
}

/** The verdict that was read last; null before the first one, which `verdict-known` announces. */
export const verdictNow = () => verdict;

/**
 * What is wrong, since when, and what mends it.
 * @param {Problem} problem
 * @param {boolean} [isLinked] Whether the page that mends it is linked.
 */
export function reason({ text, since, remedy }, isLinked = true) {
  const { command, page, label } = remedy;
  const time = since ? timeOfDay(new Date(since * 1000).toISOString()) : "";
  const begun = since ? _("Since {time}.", { time }) : "";
  return [
    make("span", { text: `${known(text)} ${begun} `.replace("  ", " ") }),
    command ? make("code", { text: command }) : null,
    isLinked && page && label ? " " : null,
    isLinked && page && label ? make("a", { href: base() + page, text: known(label) }) : null,
  ];
}

/** @param {string} colour */
function drawIcon(colour) {
  const icon = document.querySelector("link[rel=icon]");
  if (!(icon instanceof HTMLLinkElement)) return;
  icon.dataset.plain ??= icon.getAttribute("href") ?? "";
  const href = icon.dataset.plain;
  icon.setAttribute("href", colour ? href.replace(NO_DOT, `fill='${colour}'`) : href);
}

/** @param {Verdict} verdict */
const keyOf = ({ problems }) =>
  JSON.stringify(problems.map(({ kind, subject }) => [kind, subject]));

/**
 * Whether this viewer has hidden these problems; a new one shows them again.
 * @param {Verdict} verdict
 */
const isHidden = (verdict) =>
  verdict.level === "degraded" && sessionStorage.getItem(HIDDEN) === keyOf(verdict);

/** @param {HTMLElement} place */
function start(place) {
  place.addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLElement) || !target.closest(".hide-health") || !verdict) return;
    sessionStorage.setItem(HIDDEN, keyOf(verdict));
    place.hidden = true;
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refresh(place);
  });
  refresh(place);
}

/* The shell is there once Dash has drawn it. */
const waiting = new MutationObserver(() => {
  const place = document.getElementById("health");
  if (!place) return;
  waiting.disconnect();
  start(place);
});
waiting.observe(document.documentElement, { childList: true, subtree: true });
