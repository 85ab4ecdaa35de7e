// @ts-check
/* The one event stream of all pages Now of a browser, in a shared worker.

A browser opens six connections to a host: with a stream for each page, six pages would keep every
further request waiting. Pages send "open" and "close"; they get { kind, data } of each event, and
{ kind: "error", closed } when the connection is lost. closed: the browser will not reconnect. */
"use strict";

(() => {
  const KINDS = ["clock", "all", "tile", "picture"];
  /** @type {Set<MessagePort>} */
  const pages = new Set();
  /** @type {EventSource | null} */
  let stream = null;

  /** @param {{ kind: string, data?: string, closed?: boolean }} message */
  const send = (message) => pages.forEach((page) => page.postMessage(message));

  /** Open the stream again: it begins with everything, which a page that has just come needs. */
  const open = () => {
    close();
    const opened = new EventSource("events");
    for (const kind of KINDS) {
      opened.addEventListener(kind, ({ data }) => send({ kind, data }));
    }
    opened.addEventListener("again", open);
    opened.addEventListener("error", () => {
      const closed = opened.readyState === EventSource.CLOSED;
      send({ kind: "error", closed });
      if (closed) pages.clear();
    });
    stream = opened;
  };

  const close = () => {
    stream?.close();
    stream = null;
  };

  self.addEventListener("connect", (/** @type {any} */ { ports: [page] }) => {
    page.onmessage = (/** @type {MessageEvent} */ { data }) => {
      if (data === "open") {
        pages.add(page);
        open();
      } else if (pages.delete(page) && !pages.size) {
        close();
      }
    };
  });
})();
