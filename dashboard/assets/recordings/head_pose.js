// @ts-check
/* Where a face turns, in words. */
import { _, clauses } from "../kit/language.js";

const SHOWN_DEG = 5;
/** Pitch is rough: less of it is not worth a word, and no number is. */
const SHOWN_PITCH_DEG = 20;

/**
 * What a person would see of the pose, or "" if it is not known.
 * @param {[roll: number, yaw: number, pitch: number] | null} pose In degrees: clockwise, to the
 *   right of the picture, up.
 */
export function poseText(pose) {
  if (!pose) return "";
  const [roll, yaw, pitch] = pose;
  const parts = [];
  const [turned, tilted] = [{ degrees: Math.abs(yaw) }, { degrees: Math.abs(roll) }];
  if (Math.abs(yaw) >= SHOWN_DEG) {
    parts.push(
      yaw > 0
        ? _("turned {degrees}° to the right", turned)
        : _("turned {degrees}° to the left", turned),
    );
  }
  if (Math.abs(roll) >= SHOWN_DEG) {
    parts.push(
      roll > 0
        ? _("tilted {degrees}° clockwise", tilted)
        : _("tilted {degrees}° anticlockwise", tilted),
    );
  }
  if (Math.abs(pitch) >= SHOWN_PITCH_DEG) parts.push(pitch > 0 ? _("raised") : _("lowered"));
  return parts.length ? `${capital(clauses(parts))}.` : _("Faces the camera.");
}

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);
