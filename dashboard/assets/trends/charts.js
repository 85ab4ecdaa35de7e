// @ts-check
/* The charts of Trends: each is drawn by Plotly, in its own figure, with a data table. */
import { base, messageOf, request } from "../kit/api.js";
import { make, setText } from "../kit/dom.js";
import { _ } from "../kit/language.js";
import { zoneParameter } from "./address.js";
import { dataTable } from "./data_table.js";
import { followZoom } from "./zoom.js";

/**
 * @typedef {import("./zoom.js").Graph} Graph
 * @typedef {object} Chart
 * @property {string} name
 * @property {string} href Where the name leads; "" for nowhere.
 * @property {string} caption
 * @property {{ data: object[], layout: any }} figure As Plotly takes it.
 */

const CONFIG = { displayModeBar: false, locale: "viewer" };

/** @type {Promise<any> | undefined} */
let loading;

/**
 * Plotly. Its script is loaded once, when the page is first opened.
 * @param {string} path Of the script, below the address of all pages.
 */
function plotly(path) {
  loading ??= new Promise((resolve, reject) => {
    const loaded = () => resolve(/** @type {any} */ (window).Plotly);
    const failed = () => {
      loading = undefined;
      reject(new Error(_("The charts cannot be drawn: a script was not loaded. Reload the page.")));
    };
    document.head.append(make("script", { src: base() + path, onload: loaded, onerror: failed }));
  });
  return loading;
}

/** The charts of the page. One that stays is drawn again in its place, and keeps its zoom. */
export class Charts {
  #lifetime;
  #place;
  /** @type {Figure[]} */
  #figures = [];
  /** The width in which each chart is drawn. @type {WeakMap<Element, number>} */
  #widths = new WeakMap();
  #resized = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      const before = this.#widths.get(target) ?? contentRect.width; // The first time, none.
      this.#widths.set(target, contentRect.width);
      if (!contentRect.width || contentRect.width === before) continue;
      /** @type {any} */ (window).Plotly.Plots.resize(target);
    }
  });

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {HTMLElement} place
   */
  constructor(lifetime, place) {
    this.#lifetime = lifetime;
    this.#place = place;
    this.#load().catch(() => {}); // Whoever draws says so.
    lifetime.onEnd(() => {
      this.#resized.disconnect();
      this.#keep(0);
    });
  }

  #load() {
    return plotly(this.#place.dataset.plotly ?? "");
  }

  /** @param {Chart[]} charts */
  async draw(charts) {
    try {
      const drawing = await this.#load();
      if (this.#lifetime.ended) return;
      this.#keep(charts.length);
      this.#place.classList.toggle("is-single", charts.length === 1);
      charts.forEach((chart, index) => this.#figure(index).draw(chart, drawing));
    } catch (error) {
      this.#keep(0);
      this.#place.replaceChildren(
        make("p", { class: "trouble", role: "alert", text: messageOf(error) }),
      );
    }
  }

  /** @param {number} index */
  #figure(index) {
    const known = this.#figures[index];
    if (known) return known;
    if (!index) this.#place.replaceChildren();
    const figure = new Figure(this.#lifetime, index);
    this.#figures.push(figure);
    this.#place.append(figure.node);
    this.#resized.observe(figure.graph);
    return figure;
  }

  /** @param {number} count */
  #keep(count) {
    for (const figure of this.#figures.splice(count)) {
      this.#resized.unobserve(figure.graph);
      /** @type {any} */ (window).Plotly.purge(figure.graph);
      figure.node.remove();
    }
  }
}

/** One chart: its name, its sentence, its drawing and its data table. */
class Figure {
  #lifetime;
  #index;
  #name = make("h2");
  #caption = make("figcaption");
  #table = make("div", {
    class: "scroll data-table",
    tabindex: 0,
    role: "region",
    "aria-label": _("Data table"),
  });
  #details = make(
    "details",
    { ontoggle: () => this.#loadTable() },
    make("summary", { text: _("Data table") }),
    this.#table,
  );
  #requests = 0;

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {number} index
   */
  constructor(lifetime, index) {
    this.#lifetime = lifetime;
    this.#index = index;
    this.graph = /** @type {Graph} */ (make("div", { class: "graph" }));
    this.node = make(
      "figure",
      { class: "panel" },
      this.#name,
      this.#caption,
      this.graph,
      this.#details,
    );
  }

  /**
   * @param {Chart} chart
   * @param {any} drawing Plotly.
   */
  draw({ name, href, caption, figure }, drawing) {
    const isNew = !this.graph.layout;
    if (href && this.#name.firstElementChild?.getAttribute("href") !== href) {
      this.#name.replaceChildren(make("a", { href, class: "name-link" }));
    }
    setText((href && this.#name.firstElementChild) || this.#name, name);
    setText(this.#caption, caption);
    const { data, layout } = figure;
    drawing.react(this.graph, data, withZoomOf(this.graph, layout), CONFIG);
    if (isNew) followZoom(this.#lifetime, this.graph);
    this.#loadTable();
  }

  /** Only an open table is loaded: now, and whenever the chart is drawn again. */
  async #loadTable() {
    if (!this.#details.open) return;
    this.#requests += 1;
    const mine = this.#requests;
    const query = `${location.search.slice(1)}&${zoneParameter()}&chart=${this.#index}`;
    let content;
    try {
      const table = await request(`trends/table?${query}`);
      content = table ? dataTable(table) : "";
    } catch (error) {
      content = make("p", { class: "trouble", text: messageOf(error) });
    }
    if (mine === this.#requests) this.#table.replaceChildren(content);
  }
}

/**
 * The layout of a chart; with the zoom of the one on screen, if that shows the same.
 * @param {Graph} graph
 * @param {any} layout
 */
function withZoomOf(graph, layout) {
  if (graph.layout?.uirevision !== layout.uirevision) return layout;
  const { range, autorange } = graph.layout.xaxis;
  return { ...layout, xaxis: { ...layout.xaxis, ...(range && { range, autorange }) } };
}
