/* One run: a player with its faces, a lane for each track, and its moments. window.moodline.recording. */
(() => {
  const { ask, make, base } = window.moodline;
  const LABELS_READ = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"];
  const ORDER = ["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry"];
  const LABELS = [...ORDER, "uncertain"];
  const STATES = { queued: "Waiting to be analysed", running: "Being analysed", failed: "Failed", cancelled: "Cancelled" };
  const LANES_A_PAGE = 20;
  const MOST_SHOWN = 4;
  const WINDOW_S = 20;
  const LONGEST_DWELL_S = 1;
  const ROUNDING_S = 0.001;
  const EVERY_MS = 3000;
  const percent = (part) => `${Math.round(part * 100)} %`;
  const number = (value) => value.toLocaleString();
  const clock = (seconds) => {
    const whole = Math.max(Math.floor(seconds), 0);
    const parts = [Math.floor(whole / 60) % 60, whole % 60].map((one) => String(one).padStart(2, "0"));
    return whole >= 3600 ? `${Math.floor(whole / 3600)}:${parts.join(":")}` : parts.join(":");
  };

  /* The presentation time of the picture that a video shows, in seconds; null where the browser
     does not tell (WebCodecs needs https or localhost). */
  const timeOfPicture = (video) => {
    try {
      const picture = new VideoFrame(video);
      const seconds = picture.timestamp / 1e6;
      picture.close();
      return seconds;
    } catch { return null; }
  };

  const showRun = (root, run) => {
    let ended = false;
    const timers = [];
    const leaving = [];
    const path = `recordings/run/${encodeURIComponent(run)}`;
    const all = make("p", {}, make("a", { href: `${base()}recordings`, text: "All recordings" }));
    root.replaceChildren(make("p", { class: "soft", text: "Reading the run …" }));

    const again = async (draw) => {
      try {
        const told = await ask(path);
        if (ended) return;
        draw = draw || build(root, run, path, told, { all, timers, leaving, over: () => ended });
        draw(told);
        if (["queued", "running"].includes(told.summary.state)) timers.push(setTimeout(again, EVERY_MS, draw));
      } catch (error) {
        if (ended) return;
        if (draw) timers.push(setTimeout(again, EVERY_MS, draw));
        else root.replaceChildren(make("div", { class: "trouble", role: "alert", text: error.message }), all);
      }
    };
    again(null);
    return () => { ended = true; leaving.forEach((one) => one()); timers.forEach(clearTimeout); };
  };

  /* Put the page together once; what it returns draws what is told of the run, now and as it grows. */
  const build = (root, run, path, first, { all, timers, leaving, over }) => {
    const operator = Boolean(root.dataset.operator);
    const url = (rest) => `${base()}api/${path}/${rest}`;
    let told = first;
    let span = 0;
    let at = 0;
    let pictured = null;
    let lanesFrom = 0;
    let stale = new Set();
    const faces = new Map();
    const video = told.playable && operator ? make("video", { controls: true, preload: "metadata", src: url("media"), "aria-label": told.summary.source, playsinline: true }) : null;
    const overlay = make("div", { class: "overlay", "aria-hidden": "true" });
    const playhead = make("i", { class: "playhead", "aria-hidden": "true" });
    const now = make("div", { class: "now-faces" });
    const time = make("output", { class: "at" });
    const slider = make("input", { type: "range", min: "0", step: "0.04", value: "0", class: "seek", "aria-label": "Moment of the recording",
      oninput: () => seek(Number(slider.value)) });
    const lanes = make("div", { class: "lanes" });
    const pager = make("div", { class: "toolbar" });
    const coarse = make("p", { class: "help" });
    const facts = make("p", { class: "soft run-facts" });
    const lead = make("p", { class: "lead" });
    const moments = make("div");

    const seek = (seconds) => {
      at = Math.min(Math.max(seconds, 0), span);
      pictured = null;
      if (video && Math.abs(video.currentTime - at) > ROUNDING_S) video.currentTime = at;
      follow();
    };
    const follow = () => {
      slider.value = String(at);
      slider.setAttribute("aria-valuetext", clock(at));
      time.textContent = `${clock(at)} of ${clock(span)}`;
      playhead.style.setProperty("--at", String(at / span));
      for (const button of moments.querySelectorAll("button")) {
        button.classList.toggle("here", at >= Number(button.dataset.from) && at <= Number(button.dataset.to));
      }
      drawFaces();
    };

    /* Faces come by stretches of time, each with the frames that stand around it. */
    const stretch = (seconds) => Math.floor(seconds / WINDOW_S);
    const fetchFaces = async (which) => {
      const known = faces.get(which);
      if (which < 0 || which * WINDOW_S > span || (known && (known.asking || !stale.has(which)))) return;
      stale.delete(which);
      const mine = { frames: known ? known.frames : null, asking: true };
      faces.delete(which);
      faces.set(which, mine);
      while (faces.size > 12) faces.delete(faces.keys().next().value);
      try {
        mine.frames = await framesOf(which);
        mine.asking = false;
        if (!over() && stretch(at) === which) drawFaces();
      } catch { timers.push(setTimeout(() => { faces.delete(which); drawFaces(); }, EVERY_MS)); }
    };
    /* An answer has so many faces at most, and says how far it goes. */
    const framesOf = async (which) => {
      const frames = [];
      const until = (which + 1) * WINDOW_S + LONGEST_DWELL_S;
      for (let from = Math.max(which * WINDOW_S - LONGEST_DWELL_S, 0); from < until && !over();) {
        const found = await ask(`${path}/faces?since=${from}&until=${until}`);
        frames.push(...found.frames);
        from = found.until_s;
      }
      return frames;
    };

    /* The analysed frame of the picture that is shown: of a picture's own time the nearest, of a
       moment between two the one before. Frames may lie at any distance, even within a recording. */
    const frameAt = (frames) => {
      const moment = pictured ?? at;
      let index = -1;
      while (index + 1 < frames.length && frames[index + 1][0] <= moment + ROUNDING_S) index += 1;
      const next = frames[index + 1];
      if (pictured !== null && next && (index < 0 || next[0] - moment < moment - frames[index][0])) index += 1;
      const found = frames[index];
      return found && Math.abs(moment - found[0]) <= LONGEST_DWELL_S ? found : null;
    };
    const drawFaces = () => {
      const which = stretch(at);
      fetchFaces(which);
      fetchFaces(which + 1);
      const known = faces.get(which)?.frames;
      const frame = known ? frameAt(known) : null;
      const shown = frame ? frame[1] : [];
      overlay.replaceChildren(...shown.map(([track, x, y, w, h, label]) => {
        const box = make("span", { class: `face-box edge-${label}` }, make("b", { text: String(track) }));
        Object.assign(box.style, { left: `${100 * x}%`, top: `${100 * y}%`, width: `${100 * w}%`, height: `${100 * h}%` });
        return box;
      }));
      const line = !known ? "Reading what was seen …" : !frame ? "Nothing was analysed at this moment." : "Nobody in view at this moment.";
      now.replaceChildren(...(shown.length ? shown.slice(0, MOST_SHOWN).map(reading) : [make("p", { class: "soft", text: line })]),
        ...(shown.length > MOST_SHOWN ? [make("p", { class: "soft", text: `${shown.length - MOST_SHOWN} more in view` })] : []));
    };

    let drawnMoments = "";
    const drawMoments = () => {
      const key = JSON.stringify(told.moments);
      if (key === drawnMoments) return;
      drawnMoments = key;
      const focus = moments.contains(document.activeElement) ? document.activeElement.dataset.from : "";
      moments.replaceChildren(told.moments.length ? make("ol", { class: "moments" }, ...told.moments.map((one) => make("li", {}, make("button", { type: "button", "data-from": String(one.begin_s), "data-to": String(one.end_s),
        onclick: () => seek(one.begin_s + 0.05) },
      make("span", { class: `swatch swatch-${one.label}`, "aria-hidden": "true" }), make("span", { class: "moment-at", text: clock(one.begin_s) }),
      make("span", { text: `track ${one.track} ${one.label} for ${(one.end_s - one.begin_s).toFixed(1)} s` })))))
        : make("p", { class: "soft", text: "No expression but neutral was held for 0.8 s or longer." }));
      if (focus) moments.querySelector(`[data-from="${focus}"]`)?.focus();
    };

    const drawLanes = () => {
      const shown = told.lanes.slice(lanesFrom, lanesFrom + LANES_A_PAGE);
      lanes.replaceChildren(laneRow("All", allParts(told), "all tracks, in shares"), ...shown.map((lane) => laneRow(`Track ${lane.track}`, [lane.parts], spoken(lane))),
        laneRow("Frames", null, "where frames were analysed"), playhead);
      pager.hidden = told.lanes.length <= LANES_A_PAGE && !told.left_out;
      const turn = (text, by, disabled) => make("button", { type: "button", class: "button quiet", text, disabled, "data-turn": text,
        onclick: () => { lanesFrom += by; drawLanes(); } });
      const focus = pager.contains(document.activeElement) ? document.activeElement.dataset.turn : "";
      pager.replaceChildren(turn("Tracks before", -LANES_A_PAGE, lanesFrom === 0), turn("Tracks after", LANES_A_PAGE, lanesFrom + LANES_A_PAGE >= told.lanes.length),
        make("span", { class: "soft", text: `Tracks ${lanesFrom + 1} to ${Math.min(lanesFrom + LANES_A_PAGE, told.lanes.length)} of ${told.lanes.length}${told.left_out ? `; ${told.left_out} shorter ${told.left_out === 1 ? "one is" : "ones are"} not shown` : ""}` }));
      if (focus) pager.querySelector(`[data-turn="${focus}"]`)?.focus();
      coarse.hidden = !told.step_s;
      coarse.textContent = `The run is long: a part of a lane is what was shown longest within ${number(told.step_s)} s. The downloads have each frame.`;
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
    const confirmDelete = () => {
      const erase = async () => {
        dialog.close();
        try { drawCopy((await ask(`${path}/annotated`, { method: "DELETE" })).state); } catch (error) { copy.replaceChildren(make("span", { class: "trouble", role: "alert", text: error.message })); }
        copy.querySelector("button")?.focus();
      };
      const dialog = make("dialog", { class: "dialog", "aria-label": "Delete the annotated video" },
        make("h2", { text: "Delete the annotated video?" }),
        make("p", { text: `The video in which faces can be seen goes; what was read of the recording stays. ${told.playable ? "It can be drawn again." : "The recording is not here any more: it cannot be drawn again."}` }),
        make("div", { class: "toolbar" },
          make("button", { type: "button", class: "button danger", text: "Delete it", onclick: erase }),
          make("button", { type: "button", class: "button quiet", text: "Keep it", onclick: () => dialog.close() })));
      dialog.addEventListener("close", () => dialog.remove());
      root.append(dialog);
      dialog.showModal();
    };
    const drawCopy = (state) => {
      if (!operator) return;
      if (state === "done") {
        copy.replaceChildren(make("a", { class: "button quiet", href: url("annotated"), text: "Annotated video" }),
          make("button", { type: "button", class: "button quiet", text: "Delete it", "aria-label": "Delete the annotated video", onclick: confirmDelete }));
      }
      else if (state === "drawing") {
        copy.replaceChildren(make("span", { class: "soft", role: "status", text: "The annotated copy is being drawn …" }));
        timers.push(setTimeout(async () => { try { const next = await ask(path); if (!over()) drawCopy(next.annotated); } catch { /* Asked again when the page is. */ } }, 2000));
      } else {
        copy.replaceChildren(make("button", { type: "button", class: "button quiet", text: state === "failed" ? "Draw it again" : "Draw an annotated video", disabled: !told.playable,
          title: told.playable ? "" : "The recording is not here any more.",
          onclick: async () => { try { drawCopy((await ask(`${path}/annotate`, { method: "POST", json: {} })).state); } catch (error) { copy.replaceChildren(make("span", { class: "trouble", text: error.message })); } } }));
      }
    };
    drawCopy(told.annotated);

    root.replaceChildren(
      all,
      make("h2", { class: "run-name", text: told.summary.source }),
      facts, lead,
      make("div", { class: "toolbar" }, sheet, report, copy),
      make("div", { class: video ? "player-columns" : "player-columns alone" },
        make("div", {},
          video ? make("div", { class: "player" }, video, overlay)
            : make("div", { class: "empty", text: told.playable ? "The recording itself shows people: an operator can play it." : "The recording is not here any more; what was read in it is." }),
          make("div", { class: "seek-row" }, slider, time)),
        make("div", { class: "panel side" }, now)),
      make("section", { class: "panel", "aria-label": "Lanes" }, make("h2", { text: "Tracks over time" }),
        make("ul", { class: "legend" }, ...LABELS.map((label) => make("li", {}, make("span", { class: `swatch swatch-${label}`, "aria-hidden": "true" }), make("span", { text: label })))),
        lanes, pager, make("p", { class: "help", text: "A track is a person as long as they stay in the picture; who comes back is another. Click a lane to go there." }), coarse),
      make("section", { class: "panel", "aria-label": "Moments" }, make("h2", { text: "Moments" }), moments));

    if (video) {
      /* The old picture stays until the next is presented, which may be before `seeking` is told. And
         a seek may present two within the time it takes to ask for the next callback, which then
         hears of the first only: where it ended, the picture itself is asked. */
      const step = (_now, metadata) => {
        if (over()) return;
        at = video.currentTime;
        pictured = metadata ? metadata.mediaTime : null;
        follow();
        if (metadata) video.requestVideoFrameCallback(step);
      };
      if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(step);
      else for (const what of ["timeupdate", "seeked"]) video.addEventListener(what, () => step());
      video.addEventListener("seeking", () => { at = video.currentTime; follow(); });
      video.addEventListener("seeked", () => { at = video.currentTime; pictured = timeOfPicture(video); follow(); });
      video.addEventListener("error", () => {
        video.replaceWith(make("div", { class: "empty", text: "The browser cannot play this kind of recording. An annotated video can be played." }));
      });
    }
    window.addEventListener("resize", paint);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", paint);
    leaving.push(() => { window.removeEventListener("resize", paint); dark.removeEventListener("change", paint); });

    return (next) => {
      told = next;
      span = Math.max(told.span_s, ROUNDING_S);
      slider.max = String(span);
      const { summary } = told;
      const going = STATES[summary.state] ? `${STATES[summary.state]}${summary.error ? `: ${summary.error}` : ""} · ` : "";
      facts.textContent = `${going}${clock(span)} · ${percent(Math.min(summary.coverage.analyzed_s / span, 1))} analysed · ${number(summary.tracks)} ${summary.tracks === 1 ? "track" : "tracks"} · ${summary.model_version}`;
      lead.textContent = told.headline;
      stale = new Set(faces.keys());
      drawMoments();
      drawLanes();
      follow();
    };
  };

  const reading = ([track, , , , , label, confidence, shares]) => {
    const most = Math.max(...shares);
    return make("section", { class: "now-face", "aria-label": `Track ${track}` },
      make("h3", {}, make("span", { class: `swatch swatch-${label}`, "aria-hidden": "true" }), make("span", { text: `Track ${track}: ${label}${label === "uncertain" ? "" : ` ${percent(confidence)}`}` })),
      ...ORDER.map((name) => {
        const share = shares[LABELS_READ.indexOf(name)];
        const fill = make("span", { class: `bar-fill swatch-${name}` });
        fill.style.width = `${100 * share}%`;
        return make("div", { class: share === most ? "bar strong" : "bar" }, make("span", { class: "bar-name", text: name }), make("span", { class: "bar-track", "aria-hidden": "true" }, fill), make("span", { class: "bar-share", text: percent(share) }));
      }));
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

  window.moodline.recording = { showRun, clock };
})();
