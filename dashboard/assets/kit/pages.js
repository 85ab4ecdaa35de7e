// @ts-check
/* Pages: which script runs the page that is open. */

/** @typedef {(root: HTMLElement) => (() => void) | void} Mount Returns a function that ends it. */

/** @type {Record<string, Mount>} */
const mounts = {};
/** @type {HTMLElement | null} */
let shown = null;
/** @type {(() => void) | void} */
let leave;

/**
 * Run `mount` whenever the page with this name is opened.
 * @param {string} name
 * @param {Mount} mount
 */
export function definePage(name, mount) {
  mounts[name] = mount;
}

function follow() {
  /** @type {HTMLElement | null} */
  const root = document.querySelector("#page > [data-page]");
  if (root === shown) return;
  leave?.();
  leave = undefined;
  shown = root;
  if (!root) return;
  const name = root.dataset.page ?? "";
  document.title = root.dataset.title ?? "";
  for (const link of document.querySelectorAll(".rail nav a")) {
    if (link.classList.contains(`place-${name}`)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  leave = mounts[name]?.(root);
}

new MutationObserver(follow).observe(document.documentElement, { childList: true, subtree: true });
