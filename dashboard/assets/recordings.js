/* The page Recordings: uploads and the queue. One run is recording.js's, sending recording_sending.js's. */
(() => {
  const { page, ask, make, base, sending, recording: { clock, showRun } } = window.moodline;
  const { size, left } = sending;
  const EVERY_MS = 2000;
  const STATES = { queued: ["idle", "Waiting"], running: ["warn", "Being analysed"], done: ["good", "Done"], failed: ["bad", "Failed"], cancelled: ["idle", "Cancelled"] };
  const ENDED = ["done", "failed", "cancelled"];
  const number = (value) => value.toLocaleString();
  const moment = (seconds) => new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const day = (seconds) => new Date(seconds * 1000).toLocaleDateString(undefined, { day: "numeric", month: "long" });
  const bar = (value, most, label) => {
    const node = make("progress", { max: "1", "aria-label": label });
    if (most > 0) node.value = Math.min(value / most, 1);
    return node;
  };

  page("recordings", () => {
    const root = document.getElementById("recordings");
    return root.dataset.run ? showRun(root, root.dataset.run) : showList(root);
  });

  /* ---- Uploads and the queue ---- */

  const showList = (root) => {
    const operator = Boolean(root.dataset.operator);
    let ended = false;
    let timer = null;

    const trouble = make("div", { class: "trouble", role: "alert" });
    const input = make("input", { type: "file", id: "recording-files", multiple: true, accept: "video/*,.mkv,.ts,.mts,.m2ts,.mxf", class: "unseen",
      onchange: () => { take([...input.files]); input.value = ""; } });
    const keptLine = make("p", { class: "soft" });
    const drop = make("div", { class: "drop panel" }, make("p", { class: "drop-line", text: "Drop recordings here." }),
      make("div", { class: "drop-ways" }, make("label", { for: "recording-files", class: "button", text: "Choose recordings" }), input), keptLine);
    const place = make("input", { id: "folder-path", maxlength: "4096", autocomplete: "off", spellcheck: "false", required: true, list: "folder-choices" });
    const choices = make("datalist", { id: "folder-choices" });
    const folderSaid = make("div", { role: "status", class: "soft" });
    const folder = make("form", { class: "panel folder-form", onsubmit: async (event) => {
      event.preventDefault();
      trouble.textContent = "";
      folderSaid.textContent = "Reading the folder …";
      try {
        const told = await ask("recordings/folder", { method: "POST", json: { path: place.value.trim() } });
        folderSaid.textContent = `${told.queued} queued${told.refused.length ? `; ${told.refused.length} refused: ${told.refused[0]}` : ""}.`;
        refresh();
      } catch (error) { folderSaid.textContent = ""; trouble.textContent = error.message; }
    } }, make("div", { class: "field" }, make("label", { for: "folder-path", text: "A file or folder on the server" }), place, choices,
      make("p", { class: "hint", text: "They stay where they are. New files of a folder are taken by: moodline schedule add-folder FOLDER --every 10m" })),
    make("button", { type: "submit", class: "button quiet", text: "Analyse" }), folderSaid);
    const uploads = make("div", { class: "upload-list", id: "sending" }, ...sending.nodes());
    const waiting = make("div", { class: "upload-list" });
    const list = make("div");
    root.replaceChildren(...(operator ? [drop, folder] : []), trouble, uploads, waiting, list);

    const take = (files) => {
      for (const file of files) sending.send(file, async (run) => {
        if (ended) return;
        await refresh();
        document.querySelector(`[data-run-id="${run}"] a`)?.focus();
      });
    };

    const refresh = async () => {
      try {
        const told = await ask("recordings/list");
        if (ended) return;
        Object.assign(sending.limits, { most_bytes: told.most_bytes, chunk: told.chunk });
        draw(told);
      } catch (error) { if (!ended) trouble.textContent = error.message; }
    };
    const again = async () => { await refresh(); if (!ended) timer = setTimeout(again, EVERY_MS); };

    let drawn = "";
    const draw = (told) => {
      const keep = told.kept_days === null ? "kept until you delete them" : told.kept_days === 0 ? "deleted once they are analysed" : `deleted ${told.kept_days} days after their analysis`;
      keptLine.textContent = `${told.most_bytes ? `${size(told.most_bytes)} each at most. ` : ""}Files that you send are ${keep}; what was read in them stays.`;
      choices.replaceChildren(...told.folders.map((one) => make("option", { value: one })));
      const rest = operator ? told.uploads.filter((one) => !sending.has(one)) : [];
      const key = JSON.stringify([told, rest]);
      if (key === drawn) return;
      drawn = key;
      const focus = document.activeElement?.dataset?.key;
      waiting.replaceChildren(...rest.map((one) => leftOver(one)));
      if (!told.runs.length) {
        list.replaceChildren(make("div", { class: "empty" }, make("p", { text: "No recording was analysed yet." }),
          make("p", { text: operator ? "Drop one above. Every frame is read; times, tracks and expressions stay, the file goes." : "Whoever runs this moodline can send some." })));
      } else {
        list.replaceChildren(make("div", { class: "panel scroll-x", role: "region", tabindex: "0", "aria-label": "Recordings" }, make("table", { class: "runs" },
          make("thead", {}, make("tr", {}, ...["Recording", "Length", "State", "Faces"].map((name) => make("th", { scope: "col", text: name })), make("th", { scope: "col" }, make("span", { class: "unseen", text: "What can be done" })))),
          make("tbody", {}, ...told.runs.map((one) => row(one))))));
      }
      if (focus) root.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
    };

    /* What the server has of a file that nobody sends now: a part, all of it, or one it refused. */
    const leftOver = (one) => {
      const whole = one.received >= one.size;
      const button = (text, asking) => make("button", { type: "button", class: "button quiet", text, "data-key": `${text} ${one.id}`, "aria-label": `${text}: ${one.name}`,
        onclick: async () => {
          trouble.textContent = "";
          try { await asking(); } catch (error) { trouble.textContent = error.message; }
          refresh();
        } });
      const goOn = one.error ? null : whole ? button("Analyse", () => ask(`recordings/upload/${one.id}/finish`, { method: "POST", json: {} }))
        : button("Go on", async () => input.click());
      const said = one.error ? make("p", { class: "trouble", text: one.error })
        : make("p", { class: "soft", text: whole ? `All ${size(one.size)} are here, and not analysed yet.` : `${size(one.received)} of ${size(one.size)} are here. Choose the same file again to go on; a day after its last piece it is removed.` });
      return make("section", { class: "panel upload", "aria-label": one.name },
        make("div", { class: "upload-head" }, make("h2", { text: one.name }), make("div", { class: "row-buttons" }, goOn, button("Remove", () => ask(`recordings/upload/${one.id}`, { method: "DELETE" })))),
        one.error || whole ? null : bar(one.received, one.size, `Sent of ${one.name}`), said);
    };

    const row = (run) => {
      const [kind, word] = STATES[run.state] || ["warn", run.state];
      const state = make("td", {}, make("span", { class: `state state-${kind}`, text: word }));
      if (run.state === "running") {
        const total = run.frames_total || run.frames_claimed || 0;
        const spent = run.started_at ? Date.now() / 1000 - run.started_at : 0;
        state.append(bar(run.frames_analyzed, total, `Progress of ${run.source}`));
        const done = total ? run.frames_analyzed / total : 0;
        state.append(make("p", { class: "soft", text: `${number(run.frames_analyzed)}${total ? ` of about ${number(total)}` : ""} frames${done > 0.02 && done < 1 ? `, ${left((spent * (1 - done)) / done)}` : ""}` }));
      }
      if (run.error && run.state !== "cancelled") state.append(make("p", { class: "soft", text: run.error }));
      const actions = make("div", { class: "row-buttons" });
      const action = (text, path, method = "POST") => make("button", { type: "button", class: "button quiet", text, "data-key": `${text} ${run.run_id}`, "aria-label": `${text}: ${run.source}`,
        onclick: async () => {
          try { await ask(`recordings/${path}`, method === "POST" ? { method, json: {} } : { method }); } catch (error) { trouble.textContent = error.message; }
          refresh();
        } });
      if (operator && ["queued", "running"].includes(run.state)) actions.append(action("Cancel", `cancel/${run.run_id}`));
      if (operator && ["failed", "cancelled"].includes(run.state)) actions.append(action("Try again", `retry/${run.run_id}`));
      if (operator && run.upload && ENDED.includes(run.state)) actions.append(action("Delete the file", `upload/${run.upload.id}`, "DELETE"));
      const goes = run.upload ? (run.upload.goes_at ? `its file goes on ${day(run.upload.goes_at)}` : "its file is kept") : "";
      return make("tr", { "data-run-id": run.run_id },
        make("th", { scope: "row" }, make("a", { href: `${base()}recordings/${run.run_id}`, text: run.source, "data-key": `open ${run.run_id}` }),
          make("p", { class: "soft", text: [moment(run.queued_at), goes].filter(Boolean).join("; ") })),
        make("td", { text: run.duration_s ? clock(run.duration_s) : "–", "data-name": "Length" }), state, make("td", { text: number(run.faces), "data-name": "Faces" }), make("td", {}, actions));
    };

    const onDrop = (event) => { event.preventDefault(); drop.classList.remove("over"); take([...(event.dataTransfer?.files || [])]); };
    const onOver = (event) => { event.preventDefault(); drop.classList.add("over"); };
    const onLeave = () => drop.classList.remove("over");
    if (operator) {
      document.addEventListener("drop", onDrop);
      document.addEventListener("dragover", onOver);
      document.addEventListener("dragleave", onLeave);
    }
    again();
    return () => {
      ended = true;
      clearTimeout(timer);
      document.removeEventListener("drop", onDrop);
      document.removeEventListener("dragover", onOver);
      document.removeEventListener("dragleave", onLeave);
    };
  };
})();
