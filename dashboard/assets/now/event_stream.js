// @ts-check
/* The server's events on live sources, while the page is visible. */
import { TOO_MANY_REQUESTS, base, messageOf, request } from "../kit/api.js";
import { timeNow } from "../kit/format.js";
import { _ } from "../kit/language.js";

/* Not supported everywhere, as by Chromium on Android. There each page has a stream of its own. */
const isShared = "SharedWorker" in window;
const RETRY_MS = 3000;
/* The user has Now open too often: another page must be closed first. */
const TOO_MANY_RETRY_MS = 15_000;

/**
 * @typedef {object} Handlers
 * @property {Record<string, (data: any) => void>} events By kind of event.
 * @property {(message: string) => void} onLost The connection is lost; also once more, with why.
 * @property {() => void} onBack The first event after that.
 */

/** Events from the stream that all pages of this browser share; used as an EventSource. */
class SharedEventSource extends EventTarget {
  readyState = EventSource.OPEN;
  #worker = new SharedWorker(`${base()}api/now/shared_stream.js`, "moodline now");

  constructor() {
    super();
    this.#worker.port.onmessage = ({ data: { kind, data, closed } }) => {
      if (this.readyState === EventSource.CLOSED) return;
      if (kind === "error") this.#fail(closed);
      else this.dispatchEvent(new MessageEvent(kind, { data }));
    };
    this.#worker.addEventListener("error", () => this.#fail(true));
    this.#worker.port.postMessage("open");
  }

  close() {
    this.readyState = EventSource.CLOSED;
    this.#worker.port.postMessage("close");
    this.#worker.port.close();
  }

  /** @param {boolean} closed Whether the browser will not reconnect. */
  #fail(closed) {
    this.readyState = closed ? EventSource.CLOSED : EventSource.CONNECTING;
    this.dispatchEvent(new Event("error"));
  }
}

/**
 * Follow api/now/events until the page is left. The browser reconnects by itself unless the server
 * refuses: then it is asked again after a pause.
 * @param {import("../kit/lifetime.js").Lifetime} lifetime
 * @param {Handlers} handlers
 */
export function followEvents(lifetime, { events, onLost, onBack }) {
  /** @type {EventSource | SharedEventSource | null} */
  let stream = null;
  let isLost = false;

  const connect = () => {
    if (stream || lifetime.ended) return;
    stream = isShared ? new SharedEventSource() : new EventSource(`${base()}api/now/events`);
    for (const [kind, handle] of Object.entries(events)) {
      stream.addEventListener(kind, (/** @type {any} */ event) => {
        if (isLost) onBack();
        isLost = false;
        handle(JSON.parse(event.data));
      });
    }
    stream.addEventListener("again", () => {
      disconnect();
      connect();
    });
    stream.addEventListener("error", onError);
  };

  const disconnect = () => {
    stream?.close();
    stream = null;
  };

  const onError = () => {
    if (lifetime.ended) return;
    if (!isLost) {
      onLost(
        _(
          "The connection to moodline was lost at {timenow}. The page shows the state at that " +
            "time, and reconnects by itself.",
          { timenow: timeNow() },
        ),
      );
    }
    isLost = true;
    if (stream?.readyState !== EventSource.CLOSED) return;
    disconnect();
    // An event source does not tell why it was refused: a plain request does.
    request("now/room")
      .catch((error) => {
        if (isLost && !lifetime.ended) onLost(messageOf(error));
        return error;
      })
      .then(({ status }) => {
        lifetime.after(follow, status === TOO_MANY_REQUESTS ? TOO_MANY_RETRY_MS : RETRY_MS);
      });
  };

  const follow = () => (document.hidden ? disconnect() : connect());
  lifetime.listen(document, "visibilitychange", follow);
  lifetime.listen(window, "pagehide", disconnect);
  lifetime.listen(window, "pageshow", follow);
  lifetime.onEnd(disconnect);
  connect();
}
