// @ts-check
/* Person-time in words. */
import { number, tenths } from "../kit/format.js";

/** @param {number} seconds */
export function personTime(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} person-seconds`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} person-minutes`;
  const hours = seconds / 3600;
  return `${hours < 10 ? tenths(hours) : number(Math.round(hours))} person-hours`;
}
