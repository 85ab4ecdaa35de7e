// @ts-check
/* States of a live source, as words and as one of four kinds: good, warn, bad, idle. */
import { make } from "./dom.js";

/** @type {Record<string, [kind: string, text: string]>} */
const STATES = {
  streaming: ["good", "Live"],
  connecting: ["warn", "Connecting"],
  stalled: ["bad", "No frames arrive"],
  unanalyzed: ["bad", "Not analysed"],
  backing_off: ["bad", "Offline, reconnecting"],
  failed: ["bad", "Cannot be read"],
  dead: ["bad", "Not supervised"],
  unknown: ["warn", "State unknown"],
  paused: ["idle", "Paused"],
};

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
