// @ts-check
/* Charts as PNG files, which can be understood without the page. */
import { byId } from "../kit/dom.js";
import { themeColour } from "../kit/theme.js";

const MIN_WIDTH = 640;
const EXTRA_HEIGHT = 130;

/** @typedef {import("./zoom.js").Graph} Graph */

/**
 * Download an image of each chart of the page.
 * @param {HTMLElement} root
 */
export function downloadCharts(root) {
  for (const figure of root.querySelectorAll("#charts figure:not([hidden])")) {
    const name = figure.querySelector("h2")?.textContent ?? "";
    const graph = /** @type {Graph | null} */ (figure.querySelector(".js-plotly-plot"));
    if (!graph) continue;
    const file = name.replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-|-$/g, "") || "chart";
    /** @type {any} */ (window).Plotly.downloadImage(standalone(graph, name), {
      format: "png",
      scale: 2,
      width: Math.max(graph.offsetWidth, MIN_WIDTH),
      height: graph.offsetHeight + EXTRA_HEIGHT,
      filename: `moodline-${file}`,
    });
  }
}

/**
 * The chart with a background, its name, its range and a legend.
 * @param {Graph} graph
 * @param {string} name
 */
function standalone(graph, name) {
  const sentences = (byId("span").textContent ?? "").split(/(?<=\.) (?=[A-Z])/);
  const range = sentences.map((line) => `<br><sub>${escaped(line)}</sub>`).join("");
  const layout = structuredClone(graph.layout);
  const [panel, text] = [themeColour("--panel"), themeColour("--text")];
  return {
    data: structuredClone(graph.data).map((trace) => ({
      ...trace,
      showlegend: !trace.name.endsWith(" before"),
    })),
    layout: {
      ...layout,
      paper_bgcolor: panel,
      plot_bgcolor: panel,
      showlegend: true,
      autosize: false,
      font: { ...layout.font, color: text },
      title: {
        text: `${escaped(name)}${range}`,
        x: 0.02,
        xanchor: "left",
        font: { size: 16, color: text },
      },
      legend: {
        orientation: "h",
        traceorder: "normal",
        x: 0,
        y: -0.16,
        yanchor: "top",
        font: { size: 11, color: text },
      },
      margin: { ...layout.margin, t: 100, b: 110 },
    },
  };
}

/**
 * Plotly parses a little HTML in its texts.
 * @param {string} text
 */
const escaped = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
