// @ts-check
/* Zooming: the range that is selected in a chart goes into the address. */
import { interval } from "../kit/links.js";
import { goTo, isZoomed } from "./address.js";

/** Changes within this time are one zoom, and one step of the browser's history. */
const DEBOUNCE_MS = 300;
const MINUTE_MS = 60_000;
const TOUCH = window.matchMedia("(pointer: coarse)");

/**
 * Plotly's element of a chart.
 * @typedef {HTMLElement & { on?: (event: string, listener: (change: any) => void) => void,
 *   layout: any, data: any[] }} Graph
 */

/**
 * Follow a chart's zoom until the page is left.
 * @param {import("../kit/lifetime.js").Lifetime} lifetime
 * @param {Graph} graph Drawn: Plotly has made it, with its own kind of events.
 */
export function followZoom(lifetime, graph) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  /** @param {Record<string, any>} change */
  const onChange = (change) => {
    const ends = change["xaxis.range"] ?? [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    const isWhole = change["xaxis.autorange"];
    if (!isWhole && ends.includes(undefined)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!isWhole) goTo({ zoom: interval(timeAt(graph, ends[0]), timeAt(graph, ends[1])) });
      else if (isZoomed()) goTo({ zoom: null });
    }, DEBOUNCE_MS);
  };

  graph.on?.("plotly_relayout", onChange);
  graph.on?.("plotly_click", (click) => onClick(graph, click));
  lifetime.onEnd(() => clearTimeout(timer));
}

/**
 * Zoom to the bucket that was clicked; nothing is stored finer than minutes. On a touch screen a
 * tap reads the numbers.
 * @param {Graph} graph
 * @param {{ points: { x: string, data: any }[] }} click
 */
function onClick(graph, { points }) {
  const stepMs = (graph.layout.meta?.step_s ?? 0) * 1000;
  if (!points.length || stepMs <= MINUTE_MS || TOUCH.matches) return;
  const [{ x, data }] = points;
  const at = timeAt(graph, x);
  const begin = data.type === "bar" ? at : at - stepMs / 2;
  goTo({ zoom: interval(begin, begin + stepMs) });
}

/**
 * The time at a place of a chart's axis, in ms since 1970. The axis has the viewer's clock; if that
 * was changed within the range, it has the fixed offset that its layout names.
 * @param {Graph} graph
 * @param {string} place
 */
function timeAt(graph, place) {
  const [date, time = "0:0"] = String(place).split(/[ T]/);
  const [year, month, day] = date.split("-").map(Number);
  const [hour, minute, second = 0] = time.split(":").map(Number);
  const offsetS = graph.layout.meta?.offset_s ?? null;
  const whole = Math.floor(second);
  if (offsetS === null) return new Date(year, month - 1, day, hour, minute, whole).getTime();
  return Date.UTC(year, month - 1, day, hour, minute, whole) - offsetS * 1000;
}
