// @ts-check
/* Groups of many small things, such as the bars of a chart: Tab reaches the group once, and the arrow
 * keys move inside it. */

/**
 * @param {HTMLElement} group
 * @param {HTMLElement[]} items In reading order; all may have the focus.
 * @param {number} [columns] Items in a row, which Up and Down skip.
 * @param {HTMLElement} [first] That Tab reaches first.
 */
export function moveByArrows(group, items, columns = 1, first = items[0]) {
  const letTabReach = (/** @type {HTMLElement} */ one) => {
    for (const item of items) item.tabIndex = item === one ? 0 : -1;
  };
  letTabReach(first);
  group.addEventListener("focusin", ({ target }) => {
    const focused = items.find((item) => item === target);
    if (focused) letTabReach(focused);
  });
  /** @type {Record<string, (at: number) => number>} */
  const moves = {
    ArrowLeft: (at) => at - 1,
    ArrowRight: (at) => at + 1,
    ArrowUp: (at) => at - columns,
    ArrowDown: (at) => at + columns,
    Home: () => 0,
    End: () => items.length - 1,
  };
  group.addEventListener("keydown", (event) => {
    const at = items.findIndex((item) => item === event.target);
    const to = at < 0 ? undefined : items[moves[event.key]?.(at) ?? -1];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    to.focus({ preventScroll: false });
  });
}
