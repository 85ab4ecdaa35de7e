// @ts-check
/* Printed charts are light: Plotly has written the colours of a dark page into its drawing. */
import { isDark, themeColour } from "../kit/theme.js";

/* The custom properties of the colours that charts have. */
const COLOURS = [
  ...["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry", "uncertain"],
  ...["hatch", "missing", "chart-text", "chart-grid", "chart-paper"],
  ...["chart-coverage", "chart-low-coverage"],
];

/** The nodes that were changed, with their style on screen. @type {Map<Element, string>} */
const onScreen = new Map();

window.addEventListener("beforeprint", () => {
  if (!isDark()) return;
  const inks = COLOURS.map((name) => [
    themeColour(`--${name}`, "dark"),
    themeColour(`--${name}`, "light"),
  ]);
  for (const node of document.querySelectorAll(".js-plotly-plot svg [style]")) {
    const style = node.getAttribute("style") ?? "";
    const printed = inks.reduce((text, [dark, light]) => text.replaceAll(dark, light), style);
    if (printed === style) continue;
    onScreen.set(node, style);
    node.setAttribute("style", printed);
  }
});

window.addEventListener("afterprint", () => {
  for (const [node, style] of onScreen) node.setAttribute("style", style);
  onScreen.clear();
});
