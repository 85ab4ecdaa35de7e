// @ts-check
/* Shares in words. */
import { percent, percentText } from "../kit/format.js";

/**
 * A share; a small one is not shown as 0 %.
 * @param {number} share Of 1.
 */
export const percentOf = (share) =>
  share > 0 && share < 0.005 ? percentText("<1") : percent(share);
