// @ts-check
/* The faces of a run, loaded in windows of time around the playhead. */
import { request } from "../kit/api.js";
import { _ } from "../kit/language.js";

/**
 * A face: track, box in shares of the picture, label, confidence, probabilities in model order,
 * "static" or "tentative" if its track does not count, and where it turns, if the detector shows it.
 * @typedef {[track: number, x: number, y: number, w: number, h: number, label: string,
 *   confidence: number, shares: number[], mark: string,
 *   pose: [roll: number, yaw: number, pitch: number] | null]} Face
 */
/** @typedef {[seconds: number, faces: Face[]]} Frame */
/** @typedef {{ frames: Frame[] | null, isLoading: boolean }} LoadedWindow */

const WINDOW_S = 20;
const MAX_WINDOWS = 12;
/** A frame is shown for at most this time: a longer distance is a gap. */
const MAX_DWELL_S = 1;
const RETRY_MS = 3000;
/** Times are rounded to milliseconds. */
export const ROUNDING_S = 0.001;

export class Faces {
  #path;
  #lifetime;
  #onLoaded;
  #spanS = 0;
  /** @type {Map<number, LoadedWindow>} By number, the oldest first. */
  #windows = new Map();
  /** @type {Set<number>} */
  #stale = new Set();

  /**
   * @param {string} path Of the run's routes.
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {() => void} onLoaded
   */
  constructor(path, lifetime, onLoaded) {
    this.#path = path;
    this.#lifetime = lifetime;
    this.#onLoaded = onLoaded;
  }

  /**
   * The run may have grown: what is loaded is loaded again when it is shown.
   * @param {number} spanS
   */
  refresh(spanS) {
    this.#spanS = spanS;
    this.#stale = new Set(this.#windows.keys());
  }

  /**
   * The analysed frame at a time. Also loads the window of that time, and the next one.
   * @param {number} seconds
   * @param {boolean} isFrameTime Whether it is the exact time of a picture: then the nearest frame
   *   is meant, else the one before. Frames may lie at any distance, even within a recording.
   * @returns {Frame | null | undefined} Null: no frame. Undefined: not loaded yet.
   */
  frameAt(seconds, isFrameTime) {
    const window = Math.floor(seconds / WINDOW_S);
    this.#load(window);
    this.#load(window + 1);
    const frames = this.#windows.get(window)?.frames;
    return frames ? findFrame(frames, seconds, isFrameTime) : undefined;
  }

  /**
   * The time of the analysed frame after or before a time; null if none is loaded there.
   * @param {number} seconds
   * @param {1 | -1} direction
   */
  timeAfter(seconds, direction) {
    const frames = this.#windows.get(Math.floor(seconds / WINDOW_S))?.frames ?? [];
    const times = frames.map((frame) => frame[0]);
    const other = 2 * ROUNDING_S;
    const next =
      direction > 0
        ? times.find((time) => time > seconds + other)
        : times.findLast((time) => time < seconds - other);
    return next ?? null;
  }

  /** @param {number} window */
  async #load(window) {
    const known = this.#windows.get(window);
    const isCurrent = known && (known.isLoading || !this.#stale.has(window));
    if (window < 0 || window * WINDOW_S > this.#spanS || isCurrent) return;
    this.#stale.delete(window);
    /** @type {LoadedWindow} */
    const loaded = { frames: known?.frames ?? null, isLoading: true };
    this.#windows.delete(window);
    this.#windows.set(window, loaded);
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size <= MAX_WINDOWS) break;
      this.#windows.delete(oldest);
    }
    try {
      loaded.frames = await this.#framesOf(window);
      loaded.isLoading = false;
      if (!this.#lifetime.ended) this.#onLoaded();
    } catch {
      this.#lifetime.after(() => {
        this.#windows.delete(window);
        this.#onLoaded();
      }, RETRY_MS);
    }
  }

  /**
   * The window's frames, and those around it that may still be shown in it. An answer has a limited
   * number of faces, and its `until_s` is where the next one starts.
   * @param {number} window
   */
  async #framesOf(window) {
    /** @type {Frame[]} */
    const frames = [];
    const until = (window + 1) * WINDOW_S + MAX_DWELL_S;
    let since = Math.max(window * WINDOW_S - MAX_DWELL_S, 0);
    while (since < until && !this.#lifetime.ended) {
      const found = await request(`${this.#path}/faces?since=${since}&until=${until}`);
      frames.push(...found.frames.map(withoutTentative));
      since = found.until_s;
    }
    return frames;
  }
}

/**
 * A frame without the faces that were seen in it only: most are none.
 * @param {Frame} frame
 * @returns {Frame}
 */
const withoutTentative = ([seconds, faces]) => [
  seconds,
  faces.filter((face) => face[8] !== "tentative"),
];

/** What a still face is called, where a person has a label. */
export const STILL = _("still face, left out");

/**
 * @param {Frame[]} frames
 * @param {number} seconds
 * @param {boolean} isFrameTime
 * @returns {Frame | null}
 */
function findFrame(frames, seconds, isFrameTime) {
  let index = -1;
  while (index + 1 < frames.length && frames[index + 1][0] <= seconds + ROUNDING_S) index += 1;
  const next = frames[index + 1];
  if (isFrameTime && next && (index < 0 || next[0] - seconds < seconds - frames[index][0])) {
    index += 1;
  }
  const frame = frames[index];
  return frame && Math.abs(seconds - frame[0]) <= MAX_DWELL_S ? frame : null;
}
