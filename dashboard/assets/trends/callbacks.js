// @ts-check
/* Dash's clientside callbacks of Trends, and Plotly's names of days and months. */
import { setProps } from "../kit/dash.js";
import { ZONE } from "../kit/format.js";
import { LOCALE } from "../kit/language.js";
import { isDark, onThemeChange } from "../kit/theme.js";

const TOUCH = window.matchMedia("(pointer: coarse)");
const NARROW = window.matchMedia("(max-width: 640px)");

let themeWatch = new AbortController();

/** What the server cannot know of the browser. */
const browserFacts = () => ({
  zone: ZONE,
  dark: isDark(),
  touch: TOUCH.matches,
  narrow: NARROW.matches,
});

const dash = /** @type {any} */ (window).dash_clientside ?? {};

const callbacks = {
  /**
   * The browser's facts, now and whenever one changes. An address without a query gets that of the
   * user's default view, before Dash reads it.
   * @param {string} pathname Of another page while this one is left.
   * @param {string | null} defaultView
   */
  browser(pathname, defaultView) {
    if (defaultView && !location.search && /\/trends\/?$/.test(pathname)) {
      history.replaceState(history.state, "", defaultView);
      window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    }
    const update = () => setProps("browser", { data: browserFacts() });
    for (const query of [TOUCH, NARROW]) query.onchange = update;
    themeWatch.abort();
    themeWatch = new AbortController();
    onThemeChange(update, themeWatch.signal);
    return browserFacts();
  },

  /**
   * The charts changed: page.js loads what stands around them.
   * @param {string | null} search
   */
  extras(search) {
    window.dispatchEvent(new CustomEvent("moodline-view", { detail: search ?? "" }));
    return /** @type {any} */ (window).dash_clientside.no_update;
  },

  /**
   * The sources to choose from, and those chosen: source_list.js shows them.
   * @param {unknown} offer
   */
  offered(offer) {
    window.dispatchEvent(new CustomEvent("moodline-offered", { detail: offer }));
  },

  /**
   * The charts of an answer: charts.js draws them.
   * @param {unknown} charts
   */
  charts(charts) {
    window.dispatchEvent(new CustomEvent("moodline-charts", { detail: charts }));
  },
};

/** @type {any} */ (window).dash_clientside = { ...dash, moodline: callbacks };

/** @type {any} */ (window).PlotlyLocales = [viewerLocale()];

/** Days and months in the viewer's language, from Sunday and from January. */
function viewerLocale() {
  const names = (
    /** @type {number} */ count,
    /** @type {Intl.DateTimeFormatOptions} */ options,
    /** @type {(index: number) => number} */ timeOf,
  ) => {
    const format = new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: "UTC" });
    return Array.from({ length: count }, (_, index) => format.format(timeOf(index)));
  };
  const day = (/** @type {number} */ index) => Date.UTC(2023, 0, 1 + index);
  const month = (/** @type {number} */ index) => Date.UTC(2023, index, 1);
  return {
    moduleType: "locale",
    name: "viewer",
    dictionary: {},
    format: {
      days: names(7, { weekday: "long" }, day),
      shortDays: names(7, { weekday: "short" }, day),
      months: names(12, { month: "long" }, month),
      shortMonths: names(12, { month: "short" }, month),
      date: "%Y-%m-%d",
      periods: ["AM", "PM"],
    },
  };
}
