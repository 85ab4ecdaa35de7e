// @ts-check
/* Texts in the language of the page. The document loads their translations before this script; in
 * English there are none to load. */

/** @typedef {Record<string, string | number>} Values What stands in the braces of a text. */

/** @type {Record<string, string | string[]>} By the English text; forms of a plural in a list. */
const WORDS = /** @type {any} */ (globalThis).moodlineWords?.words ?? {};
/** @type {string[]} Templates of the messages that other parts of moodline compose. */
export const MESSAGES = /** @type {any} */ (globalThis).moodlineWords?.messages ?? [];
const LANGUAGE = document.documentElement.lang || "en";

/**
 * The viewer's locale, in which numbers and dates are written: the one of the server's own texts,
 * or a page would have two forms of them.
 */
export const LOCALE = document.documentElement.dataset.locale || LANGUAGE;

const PLURAL = new Intl.PluralRules(LOCALE);
const NUMBER = new Intl.NumberFormat(LOCALE);

/**
 * A text in the language of the page: a whole sentence or label, never a part of one.
 * @param {string} english As in the catalogues.
 * @param {Values} [values] By their names in braces.
 */
export function _(english, values) {
  const found = WORDS[english] ?? english;
  return filled(typeof found === "string" ? found : found[0], values);
}

/**
 * The text for a number of things. {count} is the number as the viewer writes it.
 * @param {string} one
 * @param {string} many
 * @param {number} count
 * @param {Values} [values]
 */
export function n_(one, many, count, values) {
  const found = WORDS[one];
  const forms = Array.isArray(found) ? found : [one, many];
  const form = PLURAL.select(count) === "one" ? forms[0] : forms[forms.length - 1];
  return filled(form, { count: NUMBER.format(count), ...values });
}

/**
 * The children of an element: the text, with nodes in the place of names in braces.
 * @param {string} english
 * @param {Record<string, Node | string | null>} nodes
 * @returns {(Node | string | null)[]}
 */
export const parts = (english, nodes) =>
  _(english)
    .split(/\{(\w+)\}/)
    .map((piece, index) => (index % 2 ? nodes[piece] : piece));

/**
 * A name with its value: "Kind: mask".
 * @param {string} name
 * @param {string | number} value
 */
export const pair = (name, value) => _("{name}: {value}", { name, value });

/**
 * Independent clauses, one after the other; empty ones are left out.
 * @param {string[]} texts
 */
export const clauses = (texts) => texts.filter(Boolean).join(_("; "));

/**
 * @param {string} text
 * @param {Values} [values]
 */
const filled = (text, values) =>
  values ? text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place)) : text;
