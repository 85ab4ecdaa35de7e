// @ts-check
/* Keyboard shortcuts: single keys, and "g" with a second one. They can be switched off (WCAG 2.1.4), for
 * people who speak to their computer: a dictated word would press them. */

const STORED = "moodline shortcuts";
const OFF = "off";

/** @typedef {[keys: string, action: string]} Key As the dialog lists it. */
/** @typedef {{ name: string, keys: Key[] }} KeyGroup */

/** @type {KeyGroup[]} */
const groups = [];

/**
 * List keys in the dialog.
 * @param {string} name
 * @param {Key[]} keys
 */
export const listKeys = (name, keys) => groups.push({ name, keys });

/** All groups, in the order in which they were listed. */
export const keyGroups = () => groups;

/** Whether keys of one character do anything. */
export function shortcutsAreOn() {
  try {
    return localStorage.getItem(STORED) !== OFF;
  } catch {
    return true; // The browser stores nothing: they stay on.
  }
}

/** @param {boolean} areOn */
export function switchShortcuts(areOn) {
  try {
    if (areOn) localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, OFF);
  } catch {
    // They are on again after the next load.
  }
}

/**
 * Whether a key belongs to the element that has the focus: to a field, a dialog or a button.
 * @param {HTMLElement} element
 * @param {string} key
 */
function isTyping(element, key) {
  if (element.closest("dialog, [contenteditable]")) return true;
  if (element.matches("textarea, select, input:not([type=range], [type=checkbox])")) return true;
  if (element.matches("input[type=range]")) return key.startsWith("Arrow");
  // Space presses a button and opens a summary.
  return key === " " && element.matches("button, a, summary, input");
}

/**
 * The key of an event that is for the page; "" if it is for the browser or for the focused element,
 * or if it is one character and shortcuts are off.
 * @param {KeyboardEvent} event
 */
export function pageKey({ key, ctrlKey, metaKey, altKey, defaultPrevented, isComposing, target }) {
  if (ctrlKey || metaKey || altKey || defaultPrevented || isComposing) return "";
  if (target instanceof HTMLElement && isTyping(target, key)) return "";
  // Space is no character key: it presses what has the focus, and plays.
  return key.length > 1 || key === " " || shortcutsAreOn() ? key : "";
}
