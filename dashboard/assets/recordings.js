/* The page Recordings: uploads and the queue, and the results of one run. */
(() => {
  const { page, ask, make, base } = window.moodline;
  const ORDER = ["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry"];
  const LABELS = [...ORDER, "uncertain"];
  const EVERY_MS = 2000;
  const LANES_A_PAGE = 20;
  const WINDOW_S = 20;
  const STATES = { queued: ["idle", "Waiting"], running: ["warn", "Being analysed"], done: ["good", "Done"], failed: ["bad", "Failed"], cancelled: ["idle", "Cancelled"] };
  const percent = (part) => `${Math.round(part * 100)} %`;
  const number = (value) => value.toLocaleString();
  const moment = (seconds) => new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const day = (seconds) => new Date(seconds * 1000).toLocaleDateString(undefined, { day: "numeric", month: "long" });
  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
  const clock = (seconds) => {
    const whole = Math.max(Math.floor(seconds), 0);
    const parts = [Math.floor(whole / 60) % 60, whole % 60].map((one) => String(one).padStart(2, "0"));
    return whole >= 3600 ? `${Math.floor(whole / 3600)}:${parts.join(":")}` : parts.join(":");
  };
  const left = (seconds) => (seconds < 60 ? `${Math.ceil(seconds)} s left` : seconds < 5400 ? `${Math.round(seconds / 60)} min left` : `${(seconds / 3600).toFixed(1)} h left`);
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
    const sending = new Map();
    let ended = false;
    let timer = null;
    let limits = { most_bytes: 0, chunk: 8 * 1048576, kept_days: 7 };

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
    const uploads = make("div", { class: "upload-list" });
    const list = make("div");
    root.replaceChildren(...(operator ? [drop, folder] : []), trouble, uploads, list);

    const take = (files) => { for (const file of files) send(file); };

    const send = async (file) => {
      const key = `${file.name} ${file.size} ${file.lastModified}`;
      if (sending.has(key)) return;
      const line = make("p", { class: "soft", role: "status" });
      const progress = bar(0, 1, `Sending ${file.name}`);
      let stopped = false;
      let id = null;
      const stop = make("button", { type: "button", class: "button quiet", text: "Cancel", onclick: async () => {
        stopped = true;
        node.remove();
        sending.delete(key);
        if (id) await ask(`recordings/upload/${id}`, { method: "DELETE" }).catch(() => {});
      } });
      const node = make("section", { class: "panel upload", "aria-label": file.name }, make("div", { class: "upload-head" }, make("h2", { text: file.name }), stop), progress, line);
      sending.set(key, node);
      uploads.append(node);
      const fail = (text) => {
        line.className = "trouble";
        line.textContent = text;
        stop.textContent = "Close";
        sending.delete(key);
      };
      try {
        if (limits.most_bytes && file.size > limits.most_bytes) throw new Error(`It has ${size(file.size)}; ${size(limits.most_bytes)} are the most.`);
        const begun = await ask("recordings/upload", { method: "POST", json: { name: file.name, size: file.size, mark: key.slice(-128) } });
        id = begun.id;
        let at = begun.received;
        const from = at;
        const started = performance.now();
        if (at) line.textContent = `Going on at ${size(at)}.`;
        while (at < file.size && !stopped) {
          const piece = file.slice(at, at + limits.chunk);
          const told = await patient(`recordings/upload/${id}?offset=${at}`, { method: "PUT", body: piece }, line, () => stopped || ended, async () => {
            at = (await ask(`recordings/upload/${id}`)).received;
          });
          if (told === null) { if (stopped || ended) return; continue; }
          at = told.received;
          progress.value = at / file.size;
          const speed = (at - from) / Math.max((performance.now() - started) / 1000, 0.001);
          line.textContent = `${size(at)} of ${size(file.size)}, ${size(speed)}/s, ${left((file.size - at) / Math.max(speed, 1))}`;
        }
        if (stopped) return;
        line.textContent = "Looking whether it is a recording …";
        const done = await ask(`recordings/upload/${id}/finish`, { method: "POST", json: {} });
        node.remove();
        sending.delete(key);
        await refresh();
        document.querySelector(`[data-run-id="${done.run}"] a`)?.focus();
      } catch (error) { if (!stopped && !ended) fail(error.message); }
    };

    /* Again and again while the server cannot be reached; null once it can, to go on from there. */
    const patient = async (path, options, line, isOver, resume) => {
      try {
        return await ask(path, options);
      } catch (error) {
        if (!error.message.startsWith("The dashboard does not answer")) throw error;
        for (let wait = 1; !isOver(); wait = Math.min(wait * 2, 15)) {
          line.textContent = `The connection was lost; trying again in ${wait} s.`;
          await new Promise((resolve) => { setTimeout(resolve, wait * 1000); });
          try { await resume(); return null; } catch (again) {
            if (!again.message.startsWith("The dashboard does not answer")) throw again;
          }
        }
        return null;
      }
    };

    const refresh = async () => {
      try {
        const told = await ask("recordings/list");
        if (ended) return;
        limits = told;
        draw(told);
      } catch (error) { if (!ended) trouble.textContent = error.message; }
    };
    const again = async () => { await refresh(); if (!ended) timer = setTimeout(again, EVERY_MS); };

    let drawn = "";
    const draw = (told) => {
      const keep = told.kept_days === null ? "kept until you delete them" : told.kept_days === 0 ? "deleted once they are analysed" : `deleted ${told.kept_days} days after their analysis`;
      keptLine.textContent = `${told.most_bytes ? `${size(told.most_bytes)} each at most. ` : ""}Files that you send are ${keep}; what was read in them stays.`;
      choices.replaceChildren(...told.folders.map((one) => make("option", { value: one })));
      const key = JSON.stringify(told);
      if (key === drawn) return;
      drawn = key;
      const focus = document.activeElement?.dataset?.key;
      if (!told.runs.length) {
        list.replaceChildren(make("div", { class: "empty" }, make("p", { text: "No recording was analysed yet." }),
          make("p", { text: operator ? "Drop one above. Every frame is read; times, tracks and expressions stay, the file goes." : "Whoever runs this moodline can send some." })));
      } else {
        list.replaceChildren(make("div", { class: "panel scroll-x", role: "region", tabindex: "0", "aria-label": "Recordings" }, make("table", { class: "runs" },
          make("thead", {}, make("tr", {}, ...["Recording", "Length", "State", "Faces"].map((name) => make("th", { scope: "col", text: name })), make("th", { scope: "col" }, make("span", { class: "unseen", text: "What can be done" })))),
          make("tbody", {}, ...told.runs.map((one) => row(one))))));
      }
      if (focus) list.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
    };

    const row = (run) => {
      const [kind, word] = STATES[run.state] || ["warn", run.state];
      const state = make("td", {}, make("span", { class: `state state-${kind}`, text: word }));
      if (run.state === "running") {
        const total = run.frames_total || run.frames_claimed || 0;
        const spent = run.started_at ? Date.now() / 1000 - run.started_at : 0;
        state.append(bar(run.frames_analyzed, total, `Progress of ${run.source}`));
        const done = total ? run.frames_analyzed / total : 0;
        state.append(make("p", { class: "soft", text: `${number(run.frames_analyzed)}${total ? ` of about ${number(total)}` : ""} frames${done > 0.02 ? `, ${left((spent * (1 - done)) / done)}` : ""}` }));
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
      if (operator && run.upload && run.state === "done") actions.append(action("Delete the file", `upload/${run.upload.id}`, "DELETE"));
      const goes = run.upload ? (run.upload.goes_at ? `its file goes on ${day(run.upload.goes_at)}` : "its file is kept") : "";
      return make("tr", { "data-run-id": run.run_id },
        make("th", { scope: "row" }, make("a", { href: `${base()}recordings/${run.run_id}`, text: run.source, "data-key": `open ${run.run_id}` }),
          make("p", { class: "soft", text: [moment(run.queued_at), goes].filter(Boolean).join("; ") })),
        make("td", { text: run.duration_s ? clock(run.duration_s) : "–" }), state, make("td", { text: number(run.faces) }), make("td", {}, actions));
    };

    const onDrop = (event) => { event.preventDefault(); drop.classList.remove("over"); take([...(event.dataTransfer?.files || [])]); };
    const onOver = (event) => { event.preventDefault(); drop.classList.add("over"); };
    const onLeave = () => drop.classList.remove("over");
    const onUnload = (event) => { if (sending.size) event.preventDefault(); };
    if (operator) {
      document.addEventListener("drop", onDrop);
      document.addEventListener("dragover", onOver);
      document.addEventListener("dragleave", onLeave);
    }
    window.addEventListener("beforeunload", onUnload);
    again();
    return () => {
      ended = true;
      clearTimeout(timer);
      document.removeEventListener("drop", onDrop);
      document.removeEventListener("dragover", onOver);
      document.removeEventListener("dragleave", onLeave);
      window.removeEventListener("beforeunload", onUnload);
    };
  };

  /* ---- One run ---- */

  const showRun = (root, run) => {
    let ended = false;
    const timers = [];
    const operator = Boolean(root.dataset.operator);
    const path = `recordings/run/${encodeURIComponent(run)}`;
    const url = (rest) => `${base()}api/${path}/${rest}`;
    root.replaceChildren(make("p", { class: "soft", text: "Reading the run …" }));

    const load = async () => {
      let told;
      try { told = await ask(path); } catch (error) {
        root.replaceChildren(make("div", { class: "trouble", role: "alert", text: error.message }), make("p", {}, make("a", { href: `${base()}recordings`, text: "All recordings" })));
        return;
      }
      if (!ended) draw(told);
    };

    const draw = (told) => {
      const summary = told.summary;
      const span = Math.max(told.span_s, 0.001);
      let at = 0;
      let lanesFrom = 0;
      const faces = new Map();
      const video = told.playable && operator ? make("video", { controls: true, preload: "metadata", src: url("media"), "aria-label": summary.source, playsinline: true }) : null;
      const overlay = make("div", { class: "overlay", "aria-hidden": "true" });
      const playhead = make("i", { class: "playhead", "aria-hidden": "true" });
      const now = make("div", { class: "now-faces" });
      const time = make("output", { class: "at", text: `${clock(0)} of ${clock(span)}` });
      const slider = make("input", { type: "range", min: "0", max: String(span), step: "0.04", value: "0", class: "seek", "aria-label": "Moment of the recording",
        oninput: () => seek(Number(slider.value)) });
      const lanes = make("div", { class: "lanes" });
      const pager = make("div", { class: "toolbar" });

      const seek = (seconds) => {
        at = Math.min(Math.max(seconds, 0), span);
        if (video && Math.abs(video.currentTime - at) > 0.01) video.currentTime = at;
        follow();
      };
      const follow = () => {
        slider.value = String(at);
        slider.setAttribute("aria-valuetext", clock(at));
        time.textContent = `${clock(at)} of ${clock(span)}`;
        playhead.style.setProperty("--at", String(at / span));
        for (const button of momentList.querySelectorAll("button")) {
          button.classList.toggle("here", at >= Number(button.dataset.from) && at <= Number(button.dataset.to));
        }
        drawFaces();
      };

      /* Faces come by stretches of time; the frame at the playhead is the last one before it. */
      const stretch = (seconds) => Math.floor(seconds / WINDOW_S);
      const fetchFaces = (which) => {
        if (which < 0 || faces.has(which)) return;
        faces.set(which, null);
        ask(`${path}/faces?since=${which * WINDOW_S}&until=${(which + 1) * WINDOW_S}`).then((found) => {
          faces.set(which, found.faces);
          if (!ended && stretch(at) === which) drawFaces();
        }).catch(() => faces.delete(which));
        while (faces.size > 12) faces.delete(faces.keys().next().value);
      };
      const drawFaces = () => {
        const which = stretch(at);
        fetchFaces(which);
        fetchFaces(which + 1);
        const known = faces.get(which);
        if (!known) { return; }
        let last = -1;
        for (const one of known) { if (one[0] > at + 0.02) break; last = one[0]; }
        const shown = last >= 0 && at - last < 0.5 ? known.filter((one) => one[0] === last) : [];
        overlay.replaceChildren(...shown.map(([, track, x, y, w, h, label]) => {
          const box = make("span", { class: `face-box edge-${label}` }, make("b", { text: String(track) }));
          Object.assign(box.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: `${100 * w}%`, height: `${100 * h}%` });
          return box;
        }));
        now.replaceChildren(...(shown.length ? shown.slice(0, 4).map(([, track, , , , , label, confidence, shares]) => {
          const best = shares.indexOf(Math.max(...shares));
          const names = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
          return make("section", { class: "now-face", "aria-label": `Track ${track}` },
            make("h3", {}, make("span", { class: `swatch swatch-${label}`, "aria-hidden": "true" }), make("span", { text: `Track ${track}: ${label}${label === "uncertain" ? "" : ` ${percent(confidence)}`}` })),
            ...ORDER.map((name) => {
              const share = shares[names.indexOf(name)];
              const fill = make("span", { class: `bar-fill swatch-${name}` });
              fill.style.width = `${100 * share}%`;
              return make("div", { class: names[best] === name ? "bar strong" : "bar" }, make("span", { class: "bar-name", text: name }), make("span", { class: "bar-track", "aria-hidden": "true" }, fill), make("span", { class: "bar-share", text: percent(share) }));
            }));
        }) : [make("p", { class: "soft", text: "Nobody in view at this moment." })]));
      };

      const momentList = make("ol", { class: "moments" }, ...told.moments.map((one) => make("li", {}, make("button", { type: "button", "data-from": String(one.begin_s), "data-to": String(one.end_s),
        onclick: () => seek(one.begin_s + 0.05) },
      make("span", { class: `swatch swatch-${one.label}`, "aria-hidden": "true" }), make("span", { class: "moment-at", text: clock(one.begin_s) }),
      make("span", { text: `track ${one.track} ${one.label} for ${(one.end_s - one.begin_s).toFixed(1)} s` })))));

      const drawLanes = () => {
        const shown = told.lanes.slice(lanesFrom, lanesFrom + LANES_A_PAGE);
        lanes.replaceChildren(laneRow("All", allParts(told), "all tracks, in shares"), ...shown.map((lane) => laneRow(`Track ${lane.track}`, [lane.parts], spoken(lane))),
          laneRow("Frames", null, "where frames were analysed"), playhead);
        pager.hidden = told.lanes.length <= LANES_A_PAGE && !told.left_out;
        pager.replaceChildren(
          make("button", { type: "button", class: "button quiet", text: "Tracks before", disabled: lanesFrom === 0, onclick: () => { lanesFrom -= LANES_A_PAGE; drawLanes(); } }),
          make("button", { type: "button", class: "button quiet", text: "Tracks after", disabled: lanesFrom + LANES_A_PAGE >= told.lanes.length, onclick: () => { lanesFrom += LANES_A_PAGE; drawLanes(); } }),
          make("span", { class: "soft", text: `Tracks ${lanesFrom + 1} to ${Math.min(lanesFrom + LANES_A_PAGE, told.lanes.length)} of ${told.lanes.length}${told.left_out ? `; ${told.left_out} shorter ones are not shown` : ""}` }));
        paint();
      };
      const spoken = (lane) => {
        const seconds = {};
        for (const part of lane.parts) seconds[part.label] = (seconds[part.label] || 0) + part.end_s - part.begin_s;
        return Object.entries(seconds).sort((a, b) => b[1] - a[1]).map(([label, time_]) => `${label} ${time_.toFixed(1)} s`).join(", ");
      };
      const laneRow = (name, rows, label) => {
        const canvas = make("canvas", { role: "img", "aria-label": `${name}: ${label}`, onclick: (event) => {
          const box = canvas.getBoundingClientRect();
          seek((span * (event.clientX - box.left)) / box.width);
        } });
        canvas.rows = rows;
        canvas.height = 1;
        return make("div", { class: name === "All" ? "lane lane-all" : "lane" }, make("span", { class: "lane-name", text: name }), canvas);
      };
      const paint = () => {
        const style = getComputedStyle(document.documentElement);
        const colour = (name) => style.getPropertyValue(`--${name}`).trim();
        for (const canvas of lanes.querySelectorAll("canvas")) {
          const box = canvas.getBoundingClientRect();
          const scale = window.devicePixelRatio || 1;
          canvas.width = Math.max(Math.round(box.width * scale), 1);
          canvas.height = Math.max(Math.round(box.height * scale), 1);
          const ink = canvas.getContext("2d");
          const hatch = hatched(ink, colour("uncertain"), colour("hatch"), scale);
          const x = (seconds) => (canvas.width * seconds) / span;
          if (canvas.rows === null) {
            for (const bucket of told.buckets) {
              if (bucket.gap) continue;
              ink.fillStyle = colour("soft");
              ink.fillRect(x(bucket.start_s), 0, Math.max(x(bucket.end_s) - x(bucket.start_s), 1), canvas.height * Math.min(bucket.analyzed_s / Math.max(bucket.end_s - bucket.start_s, 0.001), 1));
            }
            continue;
          }
          for (const parts of canvas.rows) {
            for (const part of parts) {
              ink.fillStyle = part.label === "uncertain" ? hatch : colour(part.label);
              const top = canvas.height * (1 - (part.to ?? 1));
              const bottom = canvas.height * (1 - (part.from ?? 0));
              ink.fillRect(x(part.begin_s), top, Math.max(x(part.end_s) - x(part.begin_s), 1), bottom - top);
            }
          }
        }
      };

      const sheet = make("a", { class: "button quiet", href: url("csv"), text: "Records (CSV)" });
      const report = make("a", { class: "button quiet", href: url("summary"), text: "Summary (HTML)" });
      const copy = make("span", { class: "copy" });
      const drawCopy = (state) => {
        if (!operator) return;
        if (state === "done") copy.replaceChildren(make("a", { class: "button quiet", href: url("annotated"), text: "Annotated video" }));
        else if (state === "drawing") {
          copy.replaceChildren(make("span", { class: "soft", role: "status", text: "The annotated copy is being drawn …" }));
          timers.push(setTimeout(async () => { try { const next = await ask(path); if (!ended) drawCopy(next.annotated); } catch { /* Asked again when the page is. */ } }, 2000));
        } else {
          copy.replaceChildren(make("button", { type: "button", class: "button quiet", text: state === "failed" ? "Draw it again" : "Draw an annotated video", disabled: !told.playable,
            title: told.playable ? "" : "The recording is not here any more.",
            onclick: async () => { try { drawCopy((await ask(`${path}/annotate`, { method: "POST", json: {} })).state); } catch (error) { copy.replaceChildren(make("span", { class: "trouble", text: error.message })); } } }));
        }
      };
      drawCopy(told.annotated);

      const coverage = summary.coverage;
      const covered = Math.min(coverage.analyzed_s / span, 1);
      root.replaceChildren(
        make("p", {}, make("a", { href: `${base()}recordings`, text: "All recordings" })),
        make("h2", { class: "run-name", text: summary.source }),
        make("p", { class: "soft", text: `${clock(span)} · ${percent(covered)} analysed · ${number(summary.tracks)} tracks · ${summary.model_version}` }),
        make("p", { class: "lead", text: told.headline }),
        make("div", { class: "toolbar" }, sheet, report, copy),
        make("div", { class: video ? "player-columns" : "player-columns alone" },
          make("div", {},
            video ? make("div", { class: "player" }, video, overlay)
              : make("div", { class: "empty", text: told.playable ? "The recording itself shows people: an operator can play it." : "The recording is not here any more; what was read in it is." }),
            make("div", { class: "seek-row" }, slider, time)),
          make("div", { class: "panel side" }, now)),
        make("section", { class: "panel", "aria-label": "Lanes" }, make("h2", { text: "Tracks over time" }),
          make("ul", { class: "legend" }, ...LABELS.map((label) => make("li", {}, make("span", { class: `swatch swatch-${label}`, "aria-hidden": "true" }), make("span", { text: label })))),
          lanes, pager, make("p", { class: "help", text: "A track is a person as long as they stay in the picture; who comes back is another. Click a lane to go there." })),
        make("section", { class: "panel", "aria-label": "Moments" }, make("h2", { text: "Moments" }),
          told.moments.length ? momentList : make("p", { class: "soft", text: "No expression but neutral was held for 0.8 s or longer." })));
      drawLanes();
      follow();
      if (video) {
        const step = () => {
          if (ended) return;
          at = video.currentTime;
          follow();
          if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(step);
        };
        if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(step);
        else video.addEventListener("timeupdate", step);
        video.addEventListener("seeked", () => { at = video.currentTime; follow(); });
        video.addEventListener("error", () => {
          video.replaceWith(make("div", { class: "empty", text: "The browser cannot play this kind of recording. An annotated video can be played." }));
        });
      }
      window.addEventListener("resize", paint);
      const dark = window.matchMedia("(prefers-color-scheme: dark)");
      dark.addEventListener("change", paint);
      leave = () => { window.removeEventListener("resize", paint); dark.removeEventListener("change", paint); };
      if (["queued", "running"].includes(summary.state)) timers.push(setTimeout(() => { leave(); load(); }, 3000));
    };
    let leave = () => {};
    load();
    return () => { ended = true; leave(); timers.forEach(clearTimeout); };
  };

  /* The shares of all tracks in each bucket, stacked; a gap stays one. */
  const allParts = (told) => [told.buckets.flatMap((bucket) => {
    const whole = Object.values(bucket.emotions).reduce((sum, one) => sum + one, 0);
    let from = 0;
    return !whole ? [] : LABELS.filter((label) => bucket.emotions[label]).map((label) => {
      const part = { begin_s: bucket.start_s, end_s: bucket.end_s, label, from, to: from + bucket.emotions[label] / whole };
      from = part.to;
      return part;
    });
  })];

  const hatched = (ink, back, line, scale) => {
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.round(5 * scale);
    const pen = tile.getContext("2d");
    pen.fillStyle = back;
    pen.fillRect(0, 0, tile.width, tile.height);
    pen.strokeStyle = line;
    pen.lineWidth = scale;
    pen.beginPath();
    pen.moveTo(0, tile.height);
    pen.lineTo(tile.width, 0);
    pen.stroke();
    return ink.createPattern(tile, "repeat");
  };
})();
