// @ts-check
/* Controls for a picture that is turned or mirrored. */
import { make } from "./dom.js";
import { field, inlineField } from "./forms.js";

/** @typedef {{ rotate: number, mirror: boolean }} Turn Degrees clockwise, and then mirrored. */

/** @type {[number, string][]} Degrees clockwise. */
const ROTATIONS = [
  [90, "Turned by 90° clockwise"],
  [180, "Upside down: turned by 180°"],
  [270, "Turned by 90° counter-clockwise"],
];

/**
 * @param {string} prefix Of the ids.
 * @param {{ rotate: number, mirror: boolean } | null} turn Null: not turned.
 * @param {{ plain: string, hint: string }} words plain: the choice of a picture that is not turned.
 */
export function turnControls(prefix, turn, { plain, hint }) {
  const rotate = make(
    "select",
    { id: `${prefix}-rotate`, "aria-describedby": `${prefix}-rotate-hint` },
    make("option", { value: "0", text: plain }),
    ...ROTATIONS.map(([degrees, text]) => make("option", { value: String(degrees), text })),
  );
  rotate.value = String(turn?.rotate ?? 0);
  const mirror = make("input", {
    id: `${prefix}-mirror`,
    type: "checkbox",
    checked: turn?.mirror ?? false,
  });
  return {
    fields: [field("Picture", rotate, hint), inlineField("Mirrored left to right", mirror)],
    /** @returns {Turn} */
    entered: () => ({ rotate: Number(rotate.value), mirror: mirror.checked }),
  };
}

/**
 * How a picture is turned, in words; "" if it is not.
 * @param {Turn} turn
 */
export function turnText({ rotate, mirror }) {
  const text = [rotate ? `turned by ${rotate}° clockwise` : "", mirror ? "mirrored" : ""];
  const parts = text.filter(Boolean).join(", ");
  return parts ? `Picture ${parts}` : "";
}
