/* Recordings on their way to the server: window.moodline.sending. They go on whichever page is shown. */
(() => {
  const { ask, make } = window.moodline;
  const LONGEST_WAIT_S = 15;
  const sending = new Map();
  const limits = { most_bytes: 0, chunk: 8 * 1048576 };
  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
  const left = (seconds) => (seconds < 60 ? `${Math.ceil(seconds)} s left` : seconds < 5400 ? `${Math.round(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`);

  /* Send a file, or go on with it; done: is told the run's id. Its node shows how it goes. */
  const send = async (file, done) => {
    const key = `${file.name} ${file.size} ${file.lastModified}`;
    const known = sending.get(key);
    if (known && !known.failed) return;
    if (known) forget(known);
    const one = { file, key, id: null, at: 0, unsure: false, stopped: false, failed: false, refused: false };
    one.line = make("p", { class: "soft", role: "status" });
    one.progress = make("progress", { max: "1", value: "0", "aria-label": `Sending ${file.name}` });
    one.button = make("button", { type: "button", class: "button quiet", text: "Cancel", "aria-label": `Cancel: ${file.name}`, onclick: () => stop(one) });
    one.node = make("section", { class: "panel upload", "aria-label": file.name },
      make("div", { class: "upload-head" }, make("h2", { text: file.name }), one.button), one.progress, one.line);
    sending.set(key, one);
    document.getElementById("sending")?.append(one.node);
    try {
      const run = await carry(one);
      if (one.stopped) return;
      forget(one);
      done(run);
    } catch (error) {
      if (one.stopped) return;
      one.failed = true;
      one.refused = Boolean(one.id) && one.at >= file.size;
      one.line.className = "trouble";
      one.line.textContent = error.message;
      one.button.textContent = "Close";
      one.button.setAttribute("aria-label", `Close: ${file.name}`);
    }
  };

  const carry = async (one) => {
    const { file } = one;
    if (limits.most_bytes && file.size > limits.most_bytes) throw new Error(`It has ${size(file.size)}; ${size(limits.most_bytes)} are the most.`);
    const begun = await insist(one, () => ask("recordings/upload", { method: "POST", json: { name: file.name, size: file.size, mark: one.key.slice(-128) } }));
    if (one.stopped) return null;
    one.id = begun.id;
    one.at = begun.received;
    const from = one.at;
    const started = performance.now();
    if (from) one.line.textContent = `Going on at ${size(from)}.`;
    while (one.at < file.size) {
      await insist(one, () => sendPiece(one));
      if (one.stopped) return null;
      one.progress.value = one.at / file.size;
      const speed = (one.at - from) / Math.max((performance.now() - started) / 1000, 0.001);
      one.line.textContent = `${size(one.at)} of ${size(file.size)}, ${size(speed)}/s, ${left((file.size - one.at) / Math.max(speed, 1))}`;
    }
    one.line.textContent = "Looking whether it is a recording …";
    return (await insist(one, () => ask(`recordings/upload/${one.id}/finish`, { method: "POST", json: {} })))?.run;
  };

  /* A piece whose answer was lost may be there; another tab may send the same file. */
  const sendPiece = async (one) => {
    const place = `recordings/upload/${one.id}`;
    if (one.unsure) {
      one.at = (await ask(place)).received;
      one.unsure = false;
      return;
    }
    const piece = one.file.slice(one.at, one.at + limits.chunk);
    try {
      one.at = (await ask(`${place}?offset=${one.at}`, { method: "PUT", body: piece })).received;
    } catch (error) {
      if (mayPass(error)) one.unsure = true;
      else {
        const there = (await ask(place)).received;
        if (there <= one.at) throw error;
        one.at = there;
        return;
      }
      throw error;
    }
  };

  /* No answer, or one of a server or proxy that cannot just now. */
  const mayPass = (error) => error.status === 0 || error.status >= 500;

  /* Again and again, after growing pauses, while what fails may pass; null once it is stopped. */
  const insist = async (one, asking) => {
    for (let wait = 1; !one.stopped; wait = Math.min(wait * 2, LONGEST_WAIT_S)) {
      try { return await asking(); } catch (error) {
        if (one.stopped) break;
        if (!mayPass(error)) throw error;
        const why = error.status ? `The server cannot take it now (${error.status})` : "The connection was lost";
        one.line.textContent = `${why}; trying again in ${wait} s.`;
        await new Promise((resolve) => { setTimeout(resolve, wait * 1000); });
      }
    }
    return null;
  };

  /* What came of one that broke off stays on the server, to be gone on with; what was refused goes. */
  const stop = async (one) => {
    one.stopped = true;
    forget(one);
    if (one.id && (!one.failed || one.refused)) await ask(`recordings/upload/${one.id}`, { method: "DELETE" }).catch(() => {});
  };
  const forget = (one) => {
    one.node.remove();
    sending.delete(one.key);
  };

  window.addEventListener("beforeunload", (event) => {
    if ([...sending.values()].some((one) => !one.failed)) event.preventDefault();
  });
  window.moodline.sending = {
    send, size, left, limits,
    nodes: () => [...sending.values()].map((one) => one.node),
    /* Also one that the server began and whose answer is still to come. */
    has: (upload) => [...sending.values()].some((one) => (one.id ? one.id === upload.id : !one.failed && one.file.name === upload.name && one.file.size === upload.size)),
  };
})();
