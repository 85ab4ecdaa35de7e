// @ts-check
/* Elements: build, update, and redraw them without losing the focus. */

import { visible } from "./visible.js";

/** @typedef {Node | string | null | undefined} Child */

/**
 * Create an element: make("li", { class: "x", text: "..." }, child, ...).
 *
 * `text` sets the text, which is never parsed as HTML; its control characters are shown. `on...`
 * adds an event listener. Any other key is an attribute: true writes it empty; false, null and
 * undefined leave it out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [options]
 * @param {Child[]} children Null and undefined are left out.
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") node.textContent = visible(String(value));
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children) {
    if (child !== null && child !== undefined) {
      node.append(typeof child === "string" ? visible(child) : child);
    }
  }
  return node;
}

/**
 * The element with this id. Raises an Error if the page has none.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no #${id}`);
  return node;
}

/**
 * Set the text of an element; an unchanged text is not announced again.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  const shown = visible(text);
  if (node.textContent !== shown) node.textContent = shown;
}

/**
 * Redraw a container, then give the focus back to the element with the same data-key.
 * @param {HTMLElement} container
 * @param {() => void} draw
 */
export function redrawKeepingFocus(container, draw) {
  const focused = document.activeElement;
  const key =
    focused instanceof HTMLElement && container.contains(focused) ? focused.dataset.key : "";
  draw();
  if (!key) return;
  const again = container.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (again instanceof HTMLElement) again.focus({ preventScroll: true });
}

/**
 * Put the nodes into the container in this order, and remove all others. A node that has to move
 * loses the focus by that: it is given back.
 * @param {HTMLElement} container
 * @param {ChildNode[]} nodes
 */
export function arrange(container, nodes) {
  const focused = document.activeElement;
  for (const node of [...container.childNodes]) if (!nodes.includes(node)) node.remove();
  nodes.forEach((node, index) => {
    const there = container.childNodes[index];
    if (there !== node) container.insertBefore(node, there ?? null);
  });
  if (focused instanceof HTMLElement && container.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/**
 * Change a node to equal a fresh one, so that its focus, scroll position and open details stay.
 * A data-key that differs replaces the element.
 * @param {Element} node
 * @param {Element} fresh Emptied by this.
 */
export function patch(node, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  for (const { name } of [...node.attributes]) {
    if (name !== "open" && !fresh.hasAttribute(name)) node.removeAttribute(name);
  }
  const wanted = [...fresh.childNodes];
  wanted.forEach((child, index) => patchChild(node, node.childNodes[index], child));
  while (node.childNodes.length > wanted.length) node.lastChild?.remove();
}

/**
 * @param {Element} parent
 * @param {ChildNode | undefined} old
 * @param {ChildNode} fresh
 */
function patchChild(parent, old, fresh) {
  if (!old) {
    parent.append(fresh);
  } else if (old.nodeName !== fresh.nodeName || keyOf(old) !== keyOf(fresh)) {
    const hadFocus = old === document.activeElement;
    old.replaceWith(fresh);
    if (hadFocus && fresh instanceof HTMLElement) fresh.focus();
  } else if (old instanceof Element && fresh instanceof Element) {
    patch(old, fresh);
  } else {
    setText(old, fresh.textContent ?? "");
  }
}

/** @param {ChildNode} node */
const keyOf = (node) => (node instanceof HTMLElement ? node.dataset.key : undefined);
