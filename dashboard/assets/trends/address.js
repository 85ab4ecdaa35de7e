// @ts-check
/* The address of Trends: the state of the page is its query. */
import { setProps } from "../kit/dash.js";
import { ZONE } from "../kit/format.js";
import { interval } from "../kit/links.js";

/** @typedef {Record<string, string | null>} Changes By parameter; null removes it. */

/** The viewer's time zone, as a route takes it. */
export const zoneParameter = () => `zone=${encodeURIComponent(ZONE)}`;

/**
 * Show another view. Dash has the address, so that Back goes one step back.
 * @param {Changes} changes
 */
export const goTo = (changes) => setProps("url", { search: changedQuery(changes) });

/**
 * Show the view of a query.
 * @param {string} search Begins with "?".
 */
export const showQuery = (search) => setProps("url", { search });

/* What the server takes for a parameter that is left out. */
const DEFAULTS = { mode: "share", compare: "previous", rank: "happy" };

/**
 * Whether two queries are of the same view, in whatever order and with whatever escapes.
 * @param {string} search
 * @param {string} other
 */
export const isSameView = (search, other) => viewOf(search) === viewOf(other);

/** @param {string} search */
function viewOf(search) {
  const asked = { ...DEFAULTS, ...Object.fromEntries(new URLSearchParams(search)) };
  return JSON.stringify(Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1)));
}

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

/** Two ends, in seconds since 1970. @typedef {{ since: number, until: number }} Ends */

/**
 * The address of this view with fixed ends: it shows the same range tomorrow.
 * @param {Ends} shown
 * @param {Ends | null} compared The earlier time.
 */
export function permanentUrl(shown, compared) {
  const [from, to] = interval(shown.since * 1000, shown.until * 1000).split("/");
  const compare = compared ? interval(compared.since * 1000, compared.until * 1000) : "none";
  const query = changedQuery({ from, to, zoom: null, compare });
  return `${location.origin}${location.pathname}${query}`;
}
