// @ts-check
/* The theme of the pages: light, dark, or that of the system. A cookie keeps the choice, so that the
 * server sends documents in it. */
import { base } from "./api.js";
import { make } from "./dom.js";

const COOKIE = "moodline_theme";
const YEAR_S = 365 * 86_400;
const ROOT = document.documentElement;
const SYSTEM = window.matchMedia("(prefers-color-scheme: dark)");
const changes = new EventTarget();

/** Whether the page is dark. */
export const isDark = () => (ROOT.dataset.theme ? ROOT.dataset.theme === "dark" : SYSTEM.matches);

/**
 * Run a function when the page has turned light or dark.
 * @param {() => void} listener
 * @param {AbortSignal} [signal] Ends it.
 */
export const onThemeChange = (listener, signal) =>
  changes.addEventListener("change", listener, { signal });

/**
 * The colour of a custom property of the style sheet, as a canvas takes it.
 * @param {string} property
 * @param {"light" | "dark"} [theme] Instead of the current one.
 */
export function themeColour(property, theme) {
  const probe = make("span", { hidden: true });
  probe.style.color = `var(${property})`;
  if (theme) probe.style.colorScheme = theme;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const announce = () => changes.dispatchEvent(new Event("change"));
SYSTEM.addEventListener("change", () => {
  if (!ROOT.dataset.theme) announce();
});

/** Press the button of the current theme. */
function drawButtons() {
  for (const button of document.querySelectorAll(".themes button")) {
    const isChosen = button.getAttribute("value") === (ROOT.dataset.theme ?? "");
    button.setAttribute("aria-pressed", String(isChosen));
  }
}

/** @param {string} theme "" for that of the system. */
function choose(theme) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  const age = theme ? YEAR_S : 0;
  document.cookie = `${COOKIE}=${theme}; path=${base()}; max-age=${age}; samesite=lax${secure}`;
  ROOT.dataset.theme = theme;
  document
    .querySelector("meta[name=color-scheme]")
    ?.setAttribute("content", theme || "light dark");
  drawButtons();
  announce();
}

document.addEventListener("click", ({ target }) => {
  const button = target instanceof Element && target.closest(".themes button");
  if (button) choose(button.getAttribute("value") ?? "");
});

/* The buttons are there once Dash has drawn the shell. */
const waiting = new MutationObserver(() => {
  if (!document.querySelector(".themes button")) return;
  waiting.disconnect();
  drawButtons();
});
waiting.observe(ROOT, { childList: true, subtree: true });
