// @ts-check
/* The hours of the week, as a table coloured by value. */
import { moveByArrows } from "../kit/arrow_keys.js";
import { make } from "../kit/dom.js";
import { tenths } from "../kit/format.js";
import { LOCALE, _, pair } from "../kit/language.js";
import { interval } from "../kit/links.js";
import { goTo } from "./address.js";
import { scaleOf, share, valueText } from "./measures.js";
import { personTime } from "./person_time.js";

/**
 * One hour of the week, of all sources and weeks together. weekday: 0 is Monday. value: null with
 * too little for one. latest: the begin of the last of these hours. course: its weeks or quarters.
 * @typedef {{ weekday: number, hour: number, analyzed_s: number, person_s: number,
 *   value: number | null, latest: number, course: (number | null)[] }} Hour
 */

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const HOUR_MS = 3_600_000;
const MIN_TINT = 8;
const DAYS = weekdays("long");
const SHORT_DAYS = weekdays("short");

/**
 * @param {Hour[]} hours
 * @param {string} rank What is shown.
 * @param {boolean} byWeeks Whether a cell stands for several weeks.
 */
export const weekPanel = (hours, rank, byWeeks) =>
  make(
    "section",
    { class: "panel", "aria-label": _("Hours of the week") },
    make("h2", { text: _("Hours of the week") }),
    make("p", { class: "soft", text: summary(hours, rank, byWeeks) }),
    make(
      "div",
      {
        class: "scroll-x",
        role: "region",
        tabindex: "0",
        "aria-label": _("Hours of the week, table"),
      },
      weekTable(hours, rank),
    ),
    make(
      "p",
      { class: "help" },
      make("span", { class: "swatch swatch-missing heat-key", "aria-hidden": "true" }),
      " ",
      _("no coverage; dotted: less than a person-minute, too little for a value."),
    ),
  );

/**
 * The panel when the hours cannot be computed.
 * @param {string} reason
 */
export const noWeekPanel = (reason) =>
  make(
    "section",
    { class: "panel" },
    make("h2", { text: _("Hours of the week") }),
    make("p", { class: "soft", text: reason }),
  );

/**
 * Zoom to the latest of these hours.
 * @param {Hour} hour
 */
export function zoomToHour({ latest }) {
  goTo({ zoom: interval(latest * 1000, latest * 1000 + HOUR_MS) });
  window.scrollTo({ top: 0 });
}

/**
 * @param {number} weekday
 * @param {number} hour
 */
export const hourName = (weekday, hour) => `${DAYS[weekday]} ${String(hour).padStart(2, "0")}:00`;

/**
 * @param {Hour[]} hours
 * @param {string} rank
 */
function weekTable(hours, rank) {
  const scale = scaleOf(
    hours.map(({ value }) => value),
    rank,
  );
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
      ...HOURS.map((hour) => {
        const found = byPlace.get(weekday * 24 + hour);
        const node = cell(hourName(weekday, hour), found, rank, scale);
        node.dataset.key = `cell ${weekday} ${hour}`;
        return node;
      }),
    );
  const table = make(
    "table",
    { class: "heat-map", role: "grid", "aria-label": _("Hours of the week") },
    make("thead", {}, make("tr", {}, make("td"), ...head)),
    make("tbody", {}, ...DAYS.map(row)),
  );
  const cells = /** @type {HTMLElement[]} */ ([...table.querySelectorAll("td.heat")]);
  moveByArrows(
    table,
    cells,
    HOURS.length,
    table.querySelector("td.heat:not(.missing)") ?? cells[0],
  );
  return table;
}

/**
 * A cell zooms to the latest of its hours, by a click or by Enter.
 * @param {string} time
 * @param {Hour | undefined} hour
 * @param {string} rank
 * @param {import("./measures.js").Scale} scale
 */
function cell(time, hour, rank, scale) {
  if (!hour) {
    const text = _("no coverage");
    return make(
      "td",
      { class: "heat missing", role: "gridcell", title: pair(time, text) },
      make("span", { class: "unseen", text }),
    );
  }
  const { value } = hour;
  const text = value === null ? _("too few faces") : valueText(value, rank);
  const node = make(
    "td",
    {
      class: value === null ? "heat little" : "heat",
      role: "gridcell",
      title: _("{time}: {text}, {seen}, {hours} h analysed", {
        time,
        text,
        seen: personTime(hour.person_s),
        hours: tenths(hour.analyzed_s / 3600),
      }),
      onclick: () => zoomToHour(hour),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          zoomToHour(hour);
        }
      },
    },
    make("span", { class: "unseen", text }),
  );
  if (value === null) return node;
  const tint = MIN_TINT + (100 - MIN_TINT) * share(value, scale);
  node.style.setProperty("--heat", `${Math.round(tint)}%`);
  return node;
}

/**
 * @param {Hour[]} hours
 * @param {string} rank
 * @param {boolean} byWeeks
 */
function summary(hours, rank, byWeeks) {
  /** @type {Hour | null} */
  let most = null;
  for (const hour of hours) {
    if (hour.value !== null && (most?.value ?? -Infinity) < hour.value) most = hour;
  }
  if (most?.value == null) return _("Less than a person-minute was seen in each hour.");
  const where = { hour: hourName(most.weekday, most.hour), value: valueText(most.value, rank) };
  return byWeeks
    ? _(
        "Most on {hour}: {value}. All sources and weeks of the range together, in your time " +
          "zone. Choose an hour to zoom to the latest one.",
        where,
      )
    : _(
        "Most on {hour}: {value}. All sources of the range together, in your time zone. " +
          "Choose an hour to zoom to it.",
        where,
      );
}

/**
 * The names of the days in the viewer's language, from Monday.
 * @param {"long" | "short"} weekday
 */
function weekdays(weekday) {
  const format = new Intl.DateTimeFormat(LOCALE, { weekday, timeZone: "UTC" });
  const monday = (/** @type {number} */ later) => new Date(Date.UTC(2024, 0, 1 + later));
  return Array.from({ length: 7 }, (_, day) => format.format(monday(day)));
}
