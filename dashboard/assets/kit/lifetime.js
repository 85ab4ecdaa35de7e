// @ts-check
/* What a page starts and has to stop when it is left. */
import { onThemeChange } from "./theme.js";

/** Timers and listeners of a page. All stop when the page is left. */
export class Lifetime {
  #controller = new AbortController();
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();

  /** Whether the page was left: an answer that arrives now is for nobody. */
  get ended() {
    return this.#controller.signal.aborted;
  }

  /** Stop everything. */
  end() {
    this.#controller.abort();
    this.#timers.forEach(clearTimeout);
  }

  /**
   * Run a function when the page is left.
   * @param {() => void} stop
   */
  onEnd(stop) {
    this.#controller.signal.addEventListener("abort", stop);
  }

  /**
   * Listen to an event until the page is left.
   * @param {EventTarget} target
   * @param {string} type
   * @param {(event: any) => void} listener
   */
  listen(target, type, listener) {
    target.addEventListener(type, listener, { signal: this.#controller.signal });
  }

  /**
   * Run a function whenever the page has turned light or dark.
   * @param {() => void} listener
   */
  onTheme(listener) {
    onThemeChange(listener, this.#controller.signal);
  }

  /**
   * Run a function once, after a pause.
   * @param {() => void} task
   * @param {number} pauseMs
   */
  after(task, pauseMs) {
    if (this.ended) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, pauseMs);
    this.#timers.add(timer);
  }

  /**
   * Run an asynchronous function now, and again after a pause each time it has finished.
   * @param {() => Promise<void>} task
   * @param {number} pauseMs
   */
  async repeat(task, pauseMs) {
    await task();
    this.after(() => this.repeat(task, pauseMs), pauseMs);
  }
}
