// @ts-check
/* States of a live source, as words and as one of four kinds: good, warn, bad, idle. */
import { make } from "./dom.js";
import { _ } from "./language.js";

/** @type {Record<string, [kind: string, text: string]>} */
const STATES = {
  streaming: ["good", _("Live")],
  connecting: ["warn", _("Connecting")],
  stalled: ["bad", _("No frames arrive")],
  unanalyzed: ["bad", _("Not analysed")],
  backing_off: ["bad", _("Offline, reconnecting")],
  failed: ["bad", _("Cannot be read")],
  dead: ["bad", _("Not supervised")],
  unknown: ["warn", _("State unknown")],
  paused: ["idle", _("Paused")],
};

/** @type {Record<string, string>} */
const RUN_STATES = {
  queued: _("Waiting"),
  running: _("Being analysed"),
  done: _("Done"),
  failed: _("Failed"),
  cancelled: _("Cancelled"),
};

/**
 * The state of a run, in words.
 * @param {string} state
 */
export const runStateText = (state) => RUN_STATES[state] ?? state;

/** @param {string} state */
export const stateKind = (state) => STATES[state]?.[0] ?? "warn";

/** @param {string} state */
export const stateText = (state) => STATES[state]?.[1] ?? state;

/**
 * Whether the source should deliver frames and does not.
 * @param {string} state
 */
export const isDown = (state) => stateKind(state) === "bad";

/**
 * A state as a word with a dot.
 * @param {string} kind
 * @param {string} text
 */
export const stateBadge = (kind, text) => make("span", { class: `state state-${kind}`, text });

/**
 * A reason as a sentence. An address keeps its small letters.
 * @param {string} reason
 */
export function sentence(reason) {
  if (!reason) return "";
  const first = /^\w+:\/\//.test(reason) ? reason[0] : reason[0].toUpperCase();
  return `${first}${reason.slice(1)}`.replace(/\.?$/, ".");
}

