// @ts-check
/* Controls for a picture that is turned or mirrored. */
import { make } from "./dom.js";
import { field, inlineField } from "./forms.js";
import { _ } from "./language.js";

/** @typedef {{ rotate: number, mirror: boolean }} Turn Degrees clockwise, and then mirrored. */

/** @type {[number, string][]} Degrees clockwise. */
const ROTATIONS = [
  [90, _("Turned by 90° clockwise")],
  [180, _("Upside down: turned by 180°")],
  [270, _("Turned by 90° counter-clockwise")],
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
    controls: [rotate, mirror],
    fields: [field(_("Picture"), rotate, hint), inlineField(_("Mirrored left to right"), mirror)],
    /** @returns {Turn} */
    entered: () => ({ rotate: Number(rotate.value), mirror: mirror.checked }),
  };
}

/**
 * Where a point of the displayed picture is once it is turned, in fractions of both pictures.
 * @param {[number, number]} point
 * @param {Turn} turn
 * @returns {[number, number]}
 */
export function turnPoint([x, y], { rotate, mirror }) {
  for (let quarter = 0; quarter < rotate / 90; quarter += 1) [x, y] = [1 - y, x];
  return [mirror ? 1 - x : x, y];
}

/**
 * Where a point of the turned picture was in the displayed one.
 * @param {[number, number]} point
 * @param {Turn} turn
 * @returns {[number, number]}
 */
export const unturnPoint = ([x, y], { rotate, mirror }) =>
  turnPoint([mirror ? 1 - x : x, y], { rotate: (360 - rotate) % 360, mirror: false });

/**
 * How a picture is turned, in words; "" if it is not.
 * @param {Turn} turn
 */
export function turnText({ rotate, mirror }) {
  if (!rotate) return mirror ? _("Picture mirrored") : "";
  return mirror
    ? _("Picture turned by {rotate}° clockwise, mirrored", { rotate })
    : _("Picture turned by {rotate}° clockwise", { rotate });
}
