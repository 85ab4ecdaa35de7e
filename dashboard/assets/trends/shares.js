// @ts-check
/* Shares in words. */
import { percent } from "../kit/format.js";

/**
 * A share; a small one is not shown as 0 %.
 * @param {number} share Of 1.
 */
export const percentOf = (share) => (share > 0 && share < 0.005 ? "<1 %" : percent(share));
