// @ts-check
/* How many tiles a screen takes, and how large they are. */

const PICTURE = 16 / 9;
const GAP_PX = 8;
/* The lines of text of a tile, in pixels, as wall.css has them for a tile of this width. */
const textHeight = (/** @type {number} */ width) => 2 * Math.min(Math.max(width * 0.075, 26), 84);
/* A narrower tile cannot be read. On a phone two stand side by side. */
const LEAST_PX = 160;

/**
 * @typedef {object} Grid
 * @property {number} columns
 * @property {number} rows
 * @property {number} parts How many screens all tiles take, one after another.
 */

/**
 * The grid with the largest tiles.
 * @param {number} count Of tiles.
 * @param {number} width Of the screen, in pixels.
 * @param {number} height
 * @returns {Grid}
 */
export function gridFor(count, width, height) {
  const largest = largestTiles(count, width, height);
  if (largest.width >= LEAST_PX || count <= 1) return { ...largest.grid, parts: 1 };
  const columns = Math.max(Math.floor(width / LEAST_PX), 1);
  const rows = Math.max(Math.floor(height / tileHeight(LEAST_PX)), 1);
  const parts = Math.ceil(count / (columns * rows));
  return { ...largestTiles(Math.ceil(count / parts), width, height).grid, parts };
}

/**
 * @param {number} count
 * @param {number} width
 * @param {number} height
 */
function largestTiles(count, width, height) {
  let best = { width: 0, grid: { columns: 1, rows: Math.max(count, 1) } };
  for (let columns = 1; columns <= Math.max(count, 1); columns += 1) {
    const rows = Math.max(Math.ceil(count / columns), 1);
    const tile = fittingWidth((width + GAP_PX) / columns - GAP_PX, (height + GAP_PX) / rows - GAP_PX);
    if (tile > best.width) best = { width: tile, grid: { columns, rows } };
  }
  return best;
}

/**
 * The width of the widest tile in a cell.
 * @param {number} width
 * @param {number} height
 */
function fittingWidth(width, height) {
  let [least, most] = [0, width];
  if (tileHeight(width) <= height) return width;
  for (let turn = 0; turn < 12; turn += 1) {
    const middle = (least + most) / 2;
    if (tileHeight(middle) <= height) least = middle;
    else most = middle;
  }
  return least;
}

/** @param {number} width */
const tileHeight = (width) => width / PICTURE + textHeight(width);
