// @ts-check
/* Messages that other parts of moodline compose in English, such as errors and reasons: recognised
 * by their templates, and translated. As dashboard/language/core/recognition.py. */
import { LOCALE, MESSAGES, _, clauses } from "./language.js";

const SENTENCES = /(?<=[.!?]) (?=[A-Z\d])/;
const CLAUSE = "; ";
const PLACE = /\{(\w+)\}/;
/** A number with a separator, as other parts of moodline write it. */
const NUMBER = /^(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+)$/;
/** Names of values that can only be numbers: others, such as names of sources, stay as they are. */
const NUMBERS = new Set([
  "count",
  "seconds",
  "faces",
  "tracks",
  "frames",
  "rollups",
  "states",
  "least",
  "most",
]);

/** @typedef {{ english: string, names: string[], pattern: RegExp }} Template */

/** @param {Template} template */
const literals = ({ english }) => english.replace(/\{\w+\}/g, "").length;

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The most literal ones first. @type {Template[]} */
const TEMPLATES = MESSAGES.filter((english) => PLACE.test(english))
  .map((english) => {
    const pieces = english.split(PLACE);
    const names = pieces.filter((_piece, index) => index % 2);
    const source = pieces.map((piece, index) => (index % 2 ? "(.+)" : escaped(piece))).join("");
    return { english, names, pattern: new RegExp(`^${source}$`, "s") };
  })
  .sort((a, b) => literals(b) - literals(a));
const WHOLE = new Set(MESSAGES);

/**
 * A message in the language of the page; as it is if it has no translation.
 * @param {string | null | undefined} text English.
 * @returns {string}
 */
export function known(text) {
  if (!text || !MESSAGES.length) return text ?? "";
  return recognised(text) ?? text.split(SENTENCES).map(ofSentence).join(" ");
}

/**
 * One sentence: as a whole, or its clauses one by one.
 * @param {string} text
 */
function ofSentence(text) {
  const whole = recognised(text);
  if (whole !== null) return whole;
  const isEnded = text.endsWith(".");
  const parts = (isEnded ? text.slice(0, -1) : text).split(CLAUSE);
  return clauses(parts.map((one) => recognised(one) ?? one)) + (isEnded ? _(".") : "");
}

/**
 * @param {string} text
 * @returns {string | null}
 */
function recognised(text) {
  if (WHOLE.has(text)) return _(text);
  for (const { english, names, pattern } of TEMPLATES) {
    const found = pattern.exec(text);
    if (!found) continue;
    const values = names.map((name, index) => [name, valueOf(name, found[index + 1])]);
    return _(english, Object.fromEntries(values));
  }
  return null;
}

/**
 * The value of a template: a number as the viewer writes it, or another message.
 * @param {string} name
 * @param {string} text
 */
function valueOf(name, text) {
  if (!NUMBERS.has(name) || !NUMBER.test(text)) return known(text);
  const digits = (text.split(".")[1] ?? "").length;
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return Number(text.replaceAll(",", "")).toLocaleString(LOCALE, format);
}
