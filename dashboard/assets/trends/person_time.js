// @ts-check
/* Person-time in words. */
import { number, tenths } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";

/** @param {number} seconds */
export function personTime(seconds) {
  if (seconds < 120) {
    return n_("{count} person-second", "{count} person-seconds", Math.round(seconds));
  }
  if (seconds < 7200) {
    return n_("{count} person-minute", "{count} person-minutes", Math.round(seconds / 60));
  }
  const hours = seconds / 3600;
  return _("{hours} person-hours", {
    hours: hours < 10 ? tenths(hours) : number(Math.round(hours)),
  });
}
