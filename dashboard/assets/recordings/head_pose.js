// @ts-check
/* Where a face turns, in words. */

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
  if (Math.abs(yaw) >= SHOWN_DEG) {
    parts.push(`turned ${Math.abs(yaw)}° to the ${yaw > 0 ? "right" : "left"}`);
  }
  if (Math.abs(roll) >= SHOWN_DEG) {
    parts.push(`tilted ${Math.abs(roll)}° ${roll > 0 ? "clockwise" : "anticlockwise"}`);
  }
  if (Math.abs(pitch) >= SHOWN_PITCH_DEG) parts.push(pitch > 0 ? "raised" : "lowered");
  const text = parts.join(", ");
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "Faces the camera.";
}
