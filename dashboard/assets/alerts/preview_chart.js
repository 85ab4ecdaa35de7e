// @ts-check
/* The last seven days of a rule that is not saved yet: values, limit, and when it would have fired. */
import { make } from "../kit/dom.js";
import { dateTime, duration, localTime } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { table } from "../kit/tables.js";
import { measureTitle, valueText } from "./words.js";

/**
 * @typedef {{ at: number, value: number | null, ended_at: number | null }} Firing
 * @typedef {{ source: string, generated: boolean, firings: Firing[], points: (number | null)[] }}
 *   SourcePreview
 * @typedef {object} Preview
 * @property {number} since Seconds since 1970.
 * @property {number} until
 * @property {number} step_s
 * @property {boolean} kept
 * @property {number} left_out
 * @property {number} firings
 * @property {SourcePreview[]} sources
 * @property {import("./words.js").Rule} rule
 */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 100;
const DAY_S = 86_400;
const MOST_LISTED = 100;

/** @param {Preview} preview */
export function previewContent(preview) {
  const { kept, sources, left_out: leftOut, firings, rule } = preview;
  if (!kept) {
    const text = _("The past of this measure is not kept, so nothing can be said about it.");
    return [make("p", { text })];
  }
  if (!sources.length) {
    return [make("p", { text: _("There is no live source that the rule is about.") })];
  }
  const isSeen = sources.some((one) => one.points.some((value) => value !== null));
  return [
    make("p", { class: "alert-count" }, make("strong", { text: countText(firings, isSeen) })),
    ...sources.map((one) => sourceFigure(one, preview)),
    firings ? firingsTable(sources, rule.measure) : null,
    leftOut
      ? make("p", {
          class: "soft",
          text: n_("{count} more source is not shown.", "{count} more sources are not shown.", leftOut),
        })
      : null,
  ];
}

/**
 * @param {number} count
 * @param {boolean} isSeen whether anything was seen by which it could have fired
 */
const countText = (count, isSeen) =>
  count
    ? n_(
        "In the last 7 days it would have fired {count} time.",
        "In the last 7 days it would have fired {count} times.",
        count,
      )
    : isSeen
      ? _("In the last 7 days it would not have fired.")
      : _("Too little was seen to say anything.");

/**
 * @param {SourcePreview} source
 * @param {Preview} preview
 */
function sourceFigure(source, preview) {
  const name = source.generated ? _("{name} (generated)", { name: source.source }) : source.source;
  return make(
    "figure",
    { class: "alert-figure" },
    make(
      "figcaption",
      {},
      make("strong", { text: name }),
      " ",
      make("span", { class: "soft", text: captionText(source, preview) }),
    ),
    chart(source, preview),
    dayTicks(preview),
  );
}

/**
 * @param {SourcePreview} source
 * @param {Preview} preview
 */
function captionText({ firings, points }, { until, rule }) {
  const known = points.filter((value) => value !== null);
  if (!known.length) return _("Too little was seen to say anything.");
  const values = {
    measure: measureTitle(rule.measure),
    least: valueText(rule.measure, Math.min(...known)),
    most: valueText(rule.measure, Math.max(...known)),
  };
  const course = _("{measure} between {least} and {most}.", values);
  if (!firings.length) return course;
  const open = firings.reduce((sum, { at, ended_at: end }) => sum + ((end ?? until) - at), 0);
  const fired = n_("Open {count} time", "Open {count} times", firings.length);
  return `${course} ${fired}, ${duration(open)}.`;
}

/**
 * @param {SourcePreview} source
 * @param {Preview} preview
 */
function chart({ firings, points }, { since, until, rule }) {
  const known = points.filter((value) => value !== null);
  const ends = [...known, rule.limit, rule.end_limit];
  const low = Math.min(...ends);
  const high = Math.max(...ends);
  const room = (high - low || 1) * 0.08;
  const y = (/** @type {number} */ value) =>
    HEIGHT - (HEIGHT * (value - low + room)) / (high - low + 2 * room);
  const x = (/** @type {number} */ at) => (WIDTH * (at - since)) / (until - since);
  const svg = draw("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    class: "alert-chart",
    "aria-hidden": "true",
  });
  for (const { at, ended_at: end } of firings) {
    const width = Math.max(x(end ?? until) - x(at), 2);
    svg.append(draw("rect", { x: x(at), y: 0, width, height: HEIGHT, class: "alert-open-time" }));
  }
  svg.append(level(y(rule.limit), "alert-limit"));
  if (rule.end_limit !== rule.limit) svg.append(level(y(rule.end_limit), "alert-end-limit"));
  const step = WIDTH / points.length;
  svg.append(draw("path", { d: linePath(points, step, y), class: "alert-line" }));
  return svg;
}

/**
 * A line with a break where nothing is known; a single value is a short line.
 * @param {(number | null)[]} points
 * @param {number} step
 * @param {(value: number) => number} y
 */
function linePath(points, step, y) {
  let path = "";
  points.forEach((value, number) => {
    if (value === null) return;
    const begins = number === 0 || points[number - 1] === null;
    const begin = (number * step).toFixed(1);
    const end = ((number + 1) * step).toFixed(1);
    path += `${begins ? "M" : "L"}${begin} ${y(value).toFixed(1)}L${end} ${y(value).toFixed(1)}`;
  });
  return path;
}

/**
 * @param {number} y
 * @param {string} name
 */
const level = (y, name) => draw("line", { x1: 0, x2: WIDTH, y1: y, y2: y, class: name });

/** @param {Preview} preview */
function dayTicks({ since, until }) {
  const days = make("div", { class: "alert-days", "aria-hidden": "true" });
  for (let at = since + DAY_S / 2; at < until; at += DAY_S) {
    days.append(make("span", { text: localTime(at, { weekday: "short", day: "numeric" }) }));
  }
  return days;
}

/**
 * @param {SourcePreview[]} sources
 * @param {string} measure
 */
function firingsTable(sources, measure) {
  const rows = sources.flatMap(({ source, firings }) =>
    firings.map((firing) => ({ source, ...firing })),
  );
  rows.sort((a, b) => b.at - a.at);
  return make(
    "details",
    {},
    make("summary", { text: _("When it would have fired") }),
    table(
      _("When it would have fired, table"),
      [_("Time"), _("Source"), _("Value"), _("Lasted")],
      rows
        .slice(0, MOST_LISTED)
        .map(({ at, source, value, ended_at: end }) => [
          dateTime(at),
          source,
          valueText(measure, value),
          end === null ? _("still open") : duration(end - at),
        ]),
    ),
  );
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function draw(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}
