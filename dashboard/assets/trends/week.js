// @ts-check
/* The hours of the week, as a table coloured by value. */
import { make } from "../kit/dom.js";
import { LABELS } from "../kit/expressions.js";
import { inlineField } from "../kit/forms.js";
import { tenths } from "../kit/format.js";
import { percentOf } from "./shares.js";

/**
 * One hour of the week, of all sources and weeks together. weekday: 0 is Monday.
 * @typedef {{ weekday: number, hour: number, analyzed_s: number,
 *   person_s: Record<string, number> }} Hour
 */

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
/** Fewer person-seconds give no share. */
const MIN_PERSON_S = 60;
/** The scale ends at this quantile, so that one extreme hour does not hide the others. */
const SCALE_QUANTILE = 0.98;
const MIN_TINT = 8;
const PEOPLE = "person";
const DAYS = weekdays("long");
const SHORT_DAYS = weekdays("short");

/**
 * @param {Hour[]} hours
 * @param {string} measure PEOPLE or a label.
 * @param {(measure: string) => void} onMeasure
 */
export function weekPanel(hours, measure, onMeasure) {
  const select = make(
    "select",
    { id: "heat-measure", "data-key": "heat-measure", onchange: () => onMeasure(select.value) },
    make("option", { value: PEOPLE, text: "Faces in view" }),
    ...LABELS.map((label) => make("option", { value: label, text: `Share ${label}` })),
  );
  select.value = measure;
  const chooser = inlineField("Show", select);
  chooser.classList.add("last");
  return make(
    "section",
    { class: "panel", "aria-label": "Hours of the week" },
    make("div", { class: "toolbar heat-head" }, make("h2", { text: "Hours of the week" }), chooser),
    make("p", { class: "soft", text: summary(hours, measure) }),
    make(
      "div",
      {
        class: "scroll-x",
        role: "region",
        tabindex: "0",
        "aria-label": "Hours of the week, table",
      },
      weekTable(hours, measure),
    ),
    make(
      "p",
      { class: "help" },
      make("span", { class: "swatch swatch-missing heat-key", "aria-hidden": "true" }),
      " no coverage; dotted: less than a person-minute, too little for a share.",
    ),
  );
}

/**
 * The panel when the hours cannot be computed.
 * @param {string} reason
 */
export const noWeekPanel = (reason) =>
  make(
    "section",
    { class: "panel" },
    make("h2", { text: "Hours of the week" }),
    make("p", { class: "soft", text: reason }),
  );

/**
 * @param {Hour[]} hours
 * @param {string} measure
 */
function weekTable(hours, measure) {
  const scale = scaleEnd(hours, measure);
  const byPlace = new Map(hours.map((hour) => [hour.weekday * 24 + hour.hour, hour]));
  const head = HOURS.map((hour) =>
    make(
      "th",
      { scope: "col" },
      make("span", { class: hour % 3 ? "unseen" : "", text: String(hour) }),
    ),
  );
  const row = (/** @type {string} */ day, /** @type {number} */ weekday) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", text: SHORT_DAYS[weekday], "aria-label": day }),
      ...HOURS.map((hour) =>
        cell(timeText(weekday, hour), byPlace.get(weekday * 24 + hour), measure, scale),
      ),
    );
  return make(
    "table",
    { class: "heat-map" },
    make("thead", {}, make("tr", {}, make("td"), ...head)),
    make("tbody", {}, ...DAYS.map(row)),
  );
}

/**
 * @param {string} time
 * @param {Hour | undefined} hour
 * @param {string} measure
 * @param {number} scale
 */
function cell(time, hour, measure, scale) {
  const value = hour ? valueOf(hour, measure) : null;
  if (!hour || value === null) {
    const text = hour ? "too few faces" : "no coverage";
    return make(
      "td",
      { class: hour ? "heat little" : "heat missing", title: `${time}: ${text}` },
      make("span", { class: "unseen", text }),
    );
  }
  const text = valueText(value, measure);
  const node = make(
    "td",
    { class: "heat", title: `${time}: ${text}, ${tenths(hour.analyzed_s / 3600)} h analysed` },
    make("span", { class: "unseen", text }),
  );
  const tint = MIN_TINT + (100 - MIN_TINT) * Math.min(value / scale, 1);
  node.style.setProperty("--heat", `${Math.round(tint)}%`);
  return node;
}

/**
 * Faces in view on average, or the share of a label; null with too few faces for a share.
 * @param {Hour} hour
 * @param {string} measure
 */
function valueOf({ person_s: personS, analyzed_s: analyzedS }, measure) {
  const total = Object.values(personS).reduce((sum, seconds) => sum + seconds, 0);
  if (measure === PEOPLE) return total / Math.max(analyzedS, 1e-6);
  return total >= MIN_PERSON_S ? personS[measure] / total : null;
}

/**
 * @param {Hour[]} hours
 * @param {string} measure
 */
function scaleEnd(hours, measure) {
  const values = hours.flatMap((hour) => valueOf(hour, measure) ?? []).sort((a, b) => a - b);
  if (!values.length) return 1;
  const index = Math.min(Math.floor(values.length * SCALE_QUANTILE), values.length - 1);
  return Math.max(values[index], 1e-9);
}

/**
 * @param {Hour[]} hours
 * @param {string} measure
 */
function summary(hours, measure) {
  /** @type {{ hour: Hour, value: number } | null} */
  let most = null;
  for (const hour of hours) {
    const value = valueOf(hour, measure);
    if (value !== null && (!most || value > most.value)) most = { hour, value };
  }
  if (!most) return "No face was in view.";
  const { hour, value } = most;
  return (
    `Most on ${timeText(hour.weekday, hour.hour, " at ")}: ${valueText(value, measure)}. ` +
    "All sources and weeks of the range together, in your time zone; " +
    "the darkest colour is for the top 2 % of the hours."
  );
}

/**
 * @param {number} value
 * @param {string} measure
 */
const valueText = (value, measure) =>
  measure === PEOPLE ? `${tenths(value)} faces in view` : percentOf(value);

/**
 * @param {number} weekday
 * @param {number} hour
 * @param {string} [between]
 */
const timeText = (weekday, hour, between = " ") =>
  `${DAYS[weekday]}${between}${String(hour).padStart(2, "0")}:00`;

/**
 * The names of the days in the viewer's language, from Monday.
 * @param {"long" | "short"} weekday
 */
function weekdays(weekday) {
  const format = new Intl.DateTimeFormat(navigator.language, { weekday, timeZone: "UTC" });
  const monday = (/** @type {number} */ later) => new Date(Date.UTC(2024, 0, 1 + later));
  return Array.from({ length: 7 }, (_, day) => format.format(monday(day)));
}
