// @ts-check
/* Where a face turns, in words. */

const SHOWN_DEG = 5;

/**
 * The angles that a person would see, or "" if they are not known.
 * @param {[roll: number, yaw: number, pitch: number] | null} pose In degrees: clockwise, to the
 *   right of the picture, up.
 */
export function poseText(pose) {
  if (!pose) return "";
  const [roll, yaw, pitch] = pose;
  const parts = [
    turn("turned", yaw, "right", "left"),
    turn("tilted", roll, "clockwise", "anticlockwise"),
    turn("looks", pitch, "up", "down"),
  ].filter(Boolean);
  const text = parts.join(", ");
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "Faces the camera.";
}

/**
 * @param {string} verb
 * @param {number} degrees
 * @param {string} positive
 * @param {string} negative
 */
function turn(verb, degrees, positive, negative) {
  const size = Math.abs(degrees);
  return size < SHOWN_DEG ? "" : `${verb} ${size}° ${degrees > 0 ? positive : negative}`;
}
