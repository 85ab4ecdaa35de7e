// @ts-check
/* The rankings: which source, and which hour of the week. */
import { make } from "../kit/dom.js";
import { NONE, number } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { sourceLink } from "../kit/links.js";
import { goTo } from "./address.js";
import { courseBars } from "./course.js";
import { scaleOf, valueText } from "./measures.js";
import { personTime } from "./person_time.js";
import { percentOf } from "./shares.js";
import { hourName, zoomToHour } from "./week.js";

/**
 * A source or tag of the view. value: null with too little for one.
 * @typedef {{ name: string, display_name: string, tag: boolean, value: number | null,
 *   person_s: number, tracks: number, coverage: number, course: (number | null)[] }} Source
 */
/** @typedef {import("./week.js").Hour} Hour */
/** A column: its name, its cell, and what it is sorted by.
 * @template Row
 * @typedef {{ name: string, cell: (row: Row) => import("../kit/dom.js").Child,
 *   key?: (row: Row) => number | string | null, course?: boolean }} Column
 */

const ROWS_SHOWN = 8;

/** A table whose columns sort it. It keeps its order when it is filled again. */
class RankedTable {
  #name;
  #by = 1;
  #isAscending = false;
  #showsAll = false;
  node = make("div", { class: "scroll-x", role: "region", tabindex: "0" });

  /** @param {string} name For assistive software. */
  constructor(name) {
    this.#name = name;
    this.node.setAttribute("aria-label", name);
  }

  /**
   * @template Row
   * @param {Column<Row>[]} columns
   * @param {Row[]} rows
   */
  draw(columns, rows) {
    const again = () => this.draw(columns, rows);
    const { key } = columns[this.#by];
    const sorted = key ? [...rows].sort((a, b) => this.#compared(key(a), key(b))) : rows;
    const shown = this.#showsAll ? sorted : sorted.slice(0, ROWS_SHOWN);
    const more = make("button", {
      type: "button",
      class: "more",
      "data-key": `${this.#name} more`,
      text: this.#showsAll ? _("Show fewer") : _("Show all {length}", { length: rows.length }),
      onclick: () => {
        this.#showsAll = !this.#showsAll;
        again();
      },
    });
    this.node.replaceChildren(
      make(
        "table",
        { class: "ranking" },
        make("thead", {}, make("tr", {}, ...columns.map((one, at) => this.#head(one, at, again)))),
        make(
          "tbody",
          {},
          ...shown.map((row) =>
            make(
              "tr",
              {},
              ...columns.map(({ name, cell }, at) =>
                make(at ? "td" : "th", at ? { "data-label": name } : { scope: "row" }, cell(row)),
              ),
            ),
          ),
        ),
      ),
      ...(rows.length > ROWS_SHOWN ? [more] : []),
    );
  }

  /**
   * @template Row
   * @param {Column<Row>} column
   * @param {number} at
   * @param {() => void} again
   */
  #head({ name, key }, at, again) {
    if (!key) return make("th", { scope: "col", class: "unsorted", text: name });
    const isSorted = at === this.#by;
    const sort = isSorted ? (this.#isAscending ? "ascending" : "descending") : null;
    const button = make("button", {
      type: "button",
      class: "sort",
      "data-key": `${this.#name} ${at}`,
      text: name,
      onclick: () => {
        this.#isAscending = isSorted ? !this.#isAscending : at === 0;
        this.#by = at;
        again();
        const heads = this.node.querySelectorAll("th[scope=col]");
        /** @type {HTMLElement | null} */ (heads[at].querySelector("button"))?.focus();
      },
    });
    return make("th", { scope: "col", "aria-sort": sort }, button);
  }

  /**
   * Nothing known comes last, however it is sorted.
   * @param {number | string | null} a
   * @param {number | string | null} b
   */
  #compared(a, b) {
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const order = typeof a === "number" ? a - Number(b) : a.localeCompare(String(b));
    return this.#isAscending ? order : -order;
  }
}

/** The panel with both tables. */
export class RankingPanel {
  #sources = new RankedTable(_("Sources, ranked"));
  #hours = new RankedTable(_("Hours, ranked"));
  #title = make("h2");
  #rank;
  node;

  /** @param {HTMLElement} chooser What is ranked by. */
  constructor(chooser) {
    this.#rank = chooser;
    this.node = make(
      "section",
      { class: "panel ranking-panel", "aria-label": _("Which source, which hour") },
      make("div", { class: "toolbar heat-head" }, this.#title, this.#rank),
      this.#sources.node,
      this.#hours.node,
    );
  }

  /**
   * @param {Source[]} sources
   * @param {Hour[]} hours
   * @param {string} rank
   * @param {boolean} byWeeks Whether the course of an hour has its weeks.
   */
  draw(sources, hours, rank, byWeeks) {
    this.#title.textContent = _("Which source, which hour");
    this.#sources.draw(sourceColumns(sources, rank), sources);
    this.#hours.draw(hourColumns(hours, rank, byWeeks), hours);
    this.#hours.node.hidden = !hours.length;
  }
}

/**
 * @param {Source[]} sources
 * @param {string} rank
 * @returns {Column<Source>[]}
 */
function sourceColumns(sources, rank) {
  const scale = scaleOf(
    sources.flatMap(({ course }) => course),
    rank,
  );
  return [
    {
      name: _("Source or tag"),
      key: (row) => row.display_name,
      cell: nameCell,
    },
    valueColumn(rank),
    { name: _("Over the range"), cell: (row) => courseBars(row.course, scale) },
    { name: _("Person-time"), key: (row) => row.person_s, cell: (row) => personTime(row.person_s) },
    { name: _("Tracks"), key: (row) => row.tracks, cell: (row) => number(row.tracks) },
    { name: _("Coverage"), key: (row) => row.coverage, cell: (row) => percentOf(row.coverage) },
  ];
}

/**
 * A source's name leads to its page; a button shows it alone. A tag has no page.
 * @param {Source} row
 */
function nameCell(row) {
  const title = _("Show only {displayname}", { displayname: row.display_name });
  const button = make("button", {
    type: "button",
    class: row.tag ? "link" : "link only-this",
    title,
    "aria-label": row.tag
      ? title
      : _("Only this: {displayname}", { displayname: row.display_name }),
    "data-key": `source ${row.name}`,
    text: row.tag ? row.display_name : _("Only this"),
    onclick: () => {
      const name = encodeURIComponent(row.name);
      goTo(row.tag ? { tags: name, sources: null } : { sources: name, tags: null });
      window.scrollTo({ top: 0 });
    },
  });
  if (row.tag) return button;
  const link = sourceLink(row.name, { text: row.display_name, "data-key": `page ${row.name}` });
  return make("span", { class: "named-source" }, link, button);
}

/**
 * @param {Hour[]} hours
 * @param {string} rank
 * @param {boolean} byWeeks
 * @returns {Column<Hour>[]}
 */
function hourColumns(hours, rank, byWeeks) {
  const scale = scaleOf(
    hours.flatMap(({ course }) => course),
    rank,
  );
  return [
    {
      name: _("Hour of the week"),
      key: (row) => row.weekday * 24 + row.hour,
      cell: (row) =>
        make("button", {
          type: "button",
          class: "link",
          title: byWeeks ? _("Zoom to the latest of these hours") : _("Zoom to this hour"),
          "data-key": `hour ${row.weekday} ${row.hour}`,
          text: hourName(row.weekday, row.hour),
          onclick: () => zoomToHour(row),
        }),
    },
    valueColumn(rank),
    {
      name: byWeeks ? _("Week by week") : _("In its quarters"),
      cell: (row) => courseBars(row.course, scale),
    },
    { name: _("Person-time"), key: (row) => row.person_s, cell: (row) => personTime(row.person_s) },
  ];
}

/**
 * @param {string} rank
 * @returns {Column<{ value: number | null }>}
 */
const valueColumn = (rank) => ({
  name: _("Value"),
  key: (row) => row.value,
  cell: (row) => (row.value === null ? NONE : valueText(row.value, rank)),
});
