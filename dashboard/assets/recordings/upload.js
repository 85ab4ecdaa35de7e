// @ts-check
/* One file on its way to the server, in chunks that can be resumed. */
import { RequestError, TOO_MANY_REQUESTS, messageOf, post, request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { duration, fileSize } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";

const MAX_WAIT_S = 15;
const MARK_LENGTH = 128;
const NO_ROOM = 507;

/** Limits of the server, known once the list of recordings was read. 0: no limit. */
export const limits = { maxBytes: 0, chunkBytes: 8 * 1024 * 1024 };

/** Raised when the upload was cancelled while a request was under way. */
class CancelledError extends Error {}

export class Upload {
  /**
   * The server's id, once it has answered.
   * @type {string | null}
   */
  id = null;
  hasFailed = false;
  /** @type {File} */
  file;
  /**
   * Called when the upload is over, or was cancelled.
   * @type {() => void}
   */
  onGone;
  #reading;
  #received = 0;
  #needsOffset = false;
  #isCancelled = false;
  #status = make("p", { class: "soft", role: "status" });
  #progress;
  #button;

  /**
   * @param {File} file
   * @param {import("./reading_options.js").Reading} reading
   * @param {() => void} onGone
   */
  constructor(file, reading, onGone) {
    this.file = file;
    this.#reading = reading;
    this.onGone = onGone;
    this.#progress = make("progress", {
      max: "1",
      value: "0",
      "aria-label": _("Upload of {name}", { name: file.name }),
    });
    this.#button = quietButton(_("Cancel"), () => this.cancel(), {
      "aria-label": _("Cancel: {name}", { name: file.name }),
    });
    this.node = make(
      "section",
      { class: "panel upload", "aria-label": file.name },
      make("div", { class: "upload-head" }, make("h2", { text: file.name }), this.#button),
      this.#progress,
      this.#status,
    );
  }

  /**
   * The same file, chosen again, has the same key.
   * @param {File} file
   */
  static keyOf(file) {
    return `${file.name} ${file.size} ${file.lastModified}`;
  }

  /**
   * Send the file, from where an earlier upload stopped.
   * @returns {Promise<string | null>} The id of its run; null if it failed or was cancelled.
   */
  async send() {
    try {
      const run = await this.#sendAll();
      this.onGone();
      return run;
    } catch (error) {
      if (!(error instanceof CancelledError)) this.#showFailure(messageOf(error));
      return null;
    }
  }

  /** Stop. An unfinished upload is deleted; one that failed stays on the server, to be resumed. */
  async cancel() {
    const isRefused = this.hasFailed && this.#received >= this.file.size;
    this.#isCancelled = true;
    this.onGone();
    if (!this.id || (this.hasFailed && !isRefused)) return;
    // The server deletes it after a day if this request fails.
    await request(`recordings/upload/${this.id}`, { method: "DELETE" }).catch(() => {});
  }

  async #sendAll() {
    const { name, size } = this.file;
    if (limits.maxBytes && size > limits.maxBytes) {
      const limit = fileSize(limits.maxBytes);
      throw new Error(
        _("The file has {size}. The limit is {limit}.", { size: fileSize(size), limit }),
      );
    }
    const mark = Upload.keyOf(this.file).slice(-MARK_LENGTH);
    const begun = await this.#retry(() => post("recordings/upload", { name, size, mark }));
    this.id = begun.id;
    this.#received = begun.received;
    if (begun.received) this.#say(_("Resuming at {size}.", { size: fileSize(begun.received) }));
    const startMs = performance.now();
    while (this.#received < size) {
      await this.#retry(() => this.#sendChunk());
      this.#drawProgress(begun.received, startMs);
    }
    this.#say(_("Checking the file …"));
    const sent = { modified_at: this.file.lastModified / 1000, ...this.#reading };
    return (await this.#retry(() => post(`recordings/upload/${this.id}/finish`, sent))).run;
  }

  /** Send the next chunk. After a lost answer, ask first how much has arrived. */
  async #sendChunk() {
    const path = `recordings/upload/${this.id}`;
    const offset = this.#received;
    if (this.#needsOffset) {
      this.#received = (await request(path)).received;
      this.#needsOffset = false;
      return;
    }
    const body = this.file.slice(offset, offset + limits.chunkBytes);
    try {
      const answer = await request(`${path}?offset=${offset}`, { method: "PUT", body });
      this.#received = answer.received;
    } catch (error) {
      if (isTransient(error)) {
        this.#needsOffset = true;
        throw error;
      }
      // Another tab may be sending the same file.
      const { received } = await request(path);
      if (received <= offset) throw error;
      this.#received = received;
    }
  }

  /**
   * Try again with growing pauses while the error may pass. Raises CancelledError.
   * @template T
   * @param {() => Promise<T>} attempt
   * @returns {Promise<T>}
   */
  async #retry(attempt) {
    for (let waitS = 1; ; waitS = Math.min(waitS * 2, MAX_WAIT_S)) {
      try {
        const result = await attempt();
        if (this.#isCancelled) throw new CancelledError();
        return result;
      } catch (error) {
        if (this.#isCancelled) throw new CancelledError();
        if (!isTransient(error)) throw error;
        const status = error instanceof RequestError ? error.status : 0;
        this.#say(
          status
            ? _("The server is not available (HTTP {status}). Trying again in {seconds} s.", {
                status,
                seconds: waitS,
              })
            : _("The connection was lost. Trying again in {seconds} s.", { seconds: waitS }),
        );
        await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
        if (this.#isCancelled) throw new CancelledError();
      }
    }
  }

  /**
   * @param {number} firstByte
   * @param {number} startMs
   */
  #drawProgress(firstByte, startMs) {
    const { size } = this.file;
    const seconds = Math.max((performance.now() - startMs) / 1000, 0.001);
    const speed = (this.#received - firstByte) / seconds;
    const leftS = (size - this.#received) / Math.max(speed, 1);
    this.#progress.value = this.#received / size;
    this.#say(
      _("{received} of {size}, {speed}/s, {duration} left", {
        received: fileSize(this.#received),
        size: fileSize(size),
        speed: fileSize(speed),
        duration: duration(leftS),
      }),
    );
  }

  /** @param {string} message */
  #showFailure(message) {
    this.hasFailed = true;
    this.#status.className = "trouble";
    this.#say(message);
    this.#button.textContent = _("Close");
    this.#button.setAttribute("aria-label", _("Close: {name}", { name: this.file.name }));
  }

  /** @param {string} text */
  #say(text) {
    this.#status.textContent = text;
  }
}

/**
 * Whether the error may pass: no answer, a server or proxy that is not available, or too many
 * requests of this user at once. A full disk needs a person.
 * @param {unknown} error
 */
const isTransient = (error) =>
  error instanceof RequestError &&
  (error.status === 0 ||
    error.status === TOO_MANY_REQUESTS ||
    (error.status >= 500 && error.status !== NO_ROOM));
