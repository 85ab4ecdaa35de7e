// @ts-check
/* The address of Trends: the state of the page is its query. */
import { setProps } from "../kit/dash.js";
import { ZONE } from "../kit/format.js";

const MINUTE_MS = 60_000;
/** @type {Record<string, number>} In ms, as in now-7d. */
const UNITS = {
  m: MINUTE_MS,
  h: 60 * MINUTE_MS,
  d: 1440 * MINUTE_MS,
  w: 7 * 1440 * MINUTE_MS,
  y: 365 * 1440 * MINUTE_MS,
};

/** @typedef {Record<string, string | null>} Changes By parameter; null removes it. */

/** The viewer's time zone, as a route takes it. */
export const zoneParameter = () => `zone=${encodeURIComponent(ZONE)}`;

/**
 * Show another view. Dash has the address, so that Back goes one step back.
 * @param {Changes} changes
 */
export const goTo = (changes) => setProps("url", { search: changedQuery(changes) });

/**
 * The query with these changes. Other parameters stay as they are written: an encoded comma is part
 * of a name, a plain one separates names.
 * @param {Changes} changes
 */
function changedQuery(changes) {
  const kept = location.search
    .slice(1)
    .split("&")
    .filter((part) => part && !(part.split("=")[0] in changes));
  const added = Object.entries(changes).flatMap(([key, value]) =>
    value === null ? [] : `${key}=${value}`,
  );
  return `?${[...kept, ...added].join("&")}`;
}

export const isZoomed = () => new URLSearchParams(location.search).has("zoom");

/**
 * An interval as the address has it, in whole minutes: nothing is stored finer.
 * @param {number} beginMs
 * @param {number} endMs
 */
export function interval(beginMs, endMs) {
  const first = Math.floor(beginMs / MINUTE_MS);
  const last = Math.max(Math.ceil(endMs / MINUTE_MS), first + 1);
  return `${utcMinute(first * MINUTE_MS)}/${utcMinute(last * MINUTE_MS)}`;
}

/** The address of this view with fixed ends: it shows the same range tomorrow. */
export function permanentUrl() {
  const query = new URLSearchParams(location.search);
  /** @type {Changes} */
  const ends = {};
  for (const [key, preset] of [
    ["from", "now-24h"],
    ["to", "now"],
  ]) {
    const ago = /^now(?:-(\d+)([mhdwy]))?$/.exec(query.get(key) || preset);
    if (ago) ends[key] = utcMinute(Date.now() - (ago[1] ? Number(ago[1]) * UNITS[ago[2]] : 0));
  }
  return `${location.origin}${location.pathname}${changedQuery(ends)}`;
}

/** @param {number} ms Since 1970. */
const utcMinute = (ms) => `${new Date(ms).toISOString().slice(0, 16)}Z`;
