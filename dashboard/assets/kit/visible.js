// @ts-check
/* Names and messages from outside, without characters that steer what shows them. As
 * runtime/visible_text.py: control characters, bidi marks, and what is invisible. */

const STEERING =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\u200b\u2060-\u2064\ufeff]/g;

/**
 * The text with each steering character as an escape, such as \x1b. Line ends and tabs stay: a page
 * shows them as spaces, unless it asks for lines.
 * @param {string} text
 */
export const visible = (text) =>
  text.replace(STEERING, (found) => {
    const code = found.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`;
  });
