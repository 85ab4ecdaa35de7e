// @ts-check
/* The controls on a phone: a button with what is chosen opens them. */
import { byId } from "../kit/dom.js";

/** @param {import("../kit/lifetime.js").Lifetime} lifetime */
export function showControls(lifetime) {
  const opener = byId("controls-opener");
  const controls = byId("controls");
  const show = (/** @type {boolean} */ isOpen) => {
    controls.classList.toggle("open", isOpen);
    opener.setAttribute("aria-expanded", String(isOpen));
  };
  lifetime.listen(opener, "click", () => show(!controls.classList.contains("open")));
  lifetime.listen(controls, "keydown", (event) => {
    if (event.key !== "Escape" || getComputedStyle(opener).display === "none") return;
    show(false);
    opener.focus();
  });
  // A range was chosen: the chart is what one wants to see.
  lifetime.listen(controls, "click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[aria-pressed], #apply");
    if (button && !/"custom"/.test(button.id)) show(false);
  });
}
