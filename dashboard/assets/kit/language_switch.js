// @ts-check
/* The buttons that choose a language: they come back to the page that is open. */

/** The languages, as the buttons have them: [value, name]. */
export const offeredLanguages = () =>
  [...document.querySelectorAll(".languages button")].map((button) => [
    button.getAttribute("value") ?? "",
    button.textContent ?? "",
  ]);

/** The value of the language of the page. */
export const chosenLanguage = () =>
  document.querySelector(".languages [aria-pressed=true]")?.getAttribute("value") ?? "";

document.addEventListener("submit", ({ target }) => {
  if (!(target instanceof HTMLFormElement) || !target.matches(".languages")) return;
  const next = target.elements.namedItem("next");
  if (next instanceof HTMLInputElement) next.value = location.pathname + location.search;
});
