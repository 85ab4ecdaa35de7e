// @ts-check
/* Lanes: coloured bands over the time of a recording, painted on a canvas each. */
import { isDark, themeColour } from "../kit/theme.js";

/**
 * A stretch of one label. from, to: the height it fills, in shares of the lane's.
 * @typedef {{ begin_s: number, end_s: number, label: string, from?: number, to?: number }} Band
 */
/**
 * One step of the run's timeline.
 * @typedef {object} Bucket
 * @property {number} start_s
 * @property {number} end_s
 * @property {number} analyzed_s
 * @property {boolean} gap
 * @property {Record<string, number>} emotions Person-seconds by label.
 */

const HATCH_PX = 5;

/** Paints lanes in the theme's colours, at the screen's resolution. */
export class LanePainter {
  #spanS;
  /** @type {Map<string, string>} */
  #colours = new Map();
  #isDark = isDark();
  #scale = window.devicePixelRatio || 1;

  /** @param {number} spanS */
  constructor(spanS) {
    this.#spanS = spanS;
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Band[]} bands
   */
  paintBands(canvas, bands) {
    const ink = this.#start(canvas);
    const hatch = this.#hatch(ink);
    for (const { begin_s: begin, end_s: end, label, from = 0, to = 1 } of bands) {
      ink.fillStyle = label === "uncertain" ? hatch : this.#colour(label);
      this.#fill(ink, begin, end, from, to);
    }
  }

  /**
   * Paint how much of each bucket was analysed.
   * @param {HTMLCanvasElement} canvas
   * @param {Bucket[]} buckets
   */
  paintCoverage(canvas, buckets) {
    const ink = this.#start(canvas);
    ink.fillStyle = this.#colour("soft");
    for (const { start_s: start, end_s: end, analyzed_s: analyzed, gap } of buckets) {
      const covered = Math.min(analyzed / Math.max(end - start, 0.001), 1);
      if (!gap) this.#fill(ink, start, end, 1 - covered, 1);
    }
  }

  /** @param {HTMLCanvasElement} canvas */
  #start(canvas) {
    const box = canvas.getBoundingClientRect();
    const width = Math.max(Math.round(box.width * this.#scale), 1);
    const height = Math.max(Math.round(box.height * this.#scale), 1);
    if (canvas.width !== width || canvas.height !== height)
      Object.assign(canvas, { width, height });
    const ink = canvas.getContext("2d");
    if (!ink) throw new Error("the browser gives no 2D canvas");
    ink.clearRect(0, 0, width, height);
    return ink;
  }

  /**
   * @param {CanvasRenderingContext2D} ink
   * @param {number} beginS
   * @param {number} endS
   * @param {number} from In shares of the height, from the bottom.
   * @param {number} to
   */
  #fill(ink, beginS, endS, from, to) {
    const { width, height } = ink.canvas;
    const x = (width * beginS) / this.#spanS;
    const w = Math.max((width * (endS - beginS)) / this.#spanS, 1);
    ink.fillRect(x, height * (1 - to), w, height * (to - from));
  }

  /** @param {string} name Of the custom property. */
  #colour(name) {
    const dark = isDark();
    if (dark !== this.#isDark) this.#colours.clear();
    this.#isDark = dark;
    const known = this.#colours.get(name) ?? themeColour(`--${name}`);
    this.#colours.set(name, known);
    return known;
  }

  /**
   * The pattern of "uncertain".
   * @param {CanvasRenderingContext2D} ink
   * @returns {CanvasPattern}
   */
  #hatch(ink) {
    const side = Math.round(HATCH_PX * this.#scale);
    const tile = new OffscreenCanvas(side, side);
    const pen = tile.getContext("2d");
    if (!pen) throw new Error("the browser gives no 2D canvas");
    pen.fillStyle = this.#colour("uncertain");
    pen.fillRect(0, 0, side, side);
    pen.strokeStyle = this.#colour("hatch");
    pen.lineWidth = this.#scale;
    pen.beginPath();
    pen.moveTo(0, side);
    pen.lineTo(side, 0);
    pen.stroke();
    const pattern = ink.createPattern(tile, "repeat");
    if (!pattern) throw new Error("the browser gives no canvas pattern");
    return pattern;
  }
}
