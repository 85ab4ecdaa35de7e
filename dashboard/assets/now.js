/* The page Now: tiles that follow the events of api/now/events. */
(() => {
  const { page, ask, make, base } = window.moodline;
  const ORDER = ["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry"];
  const MOST_ROWS = 3;
  const STATES = {
    streaming: ["good", "Live"],
    connecting: ["warn", "Connecting"],
    stalled: ["bad", "No picture comes"],
    backing_off: ["bad", "Offline, trying again"],
    failed: ["bad", "Cannot be read"],
    dead: ["bad", "Not watched over"],
    paused: ["idle", "Paused"],
  };
  const IS_DOWN = new Set(["stalled", "backing_off", "failed", "dead"]);

  const { format: tenths } = new Intl.NumberFormat(navigator.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const { format: rate } = new Intl.NumberFormat(navigator.language, { maximumFractionDigits: 1 });
  const share = (part) => `${Math.round(part * 100)} %`;

  const span = (seconds) => {
    if (seconds < 10) return `${tenths(Math.max(seconds, 0))} s`;
    if (seconds < 120) return `${Math.round(seconds)} s`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
    return `${Math.round(seconds / 86400)} days`;
  };

  const clockTime = (iso) => {
    const at = new Date(iso);
    const sameDay = at.toDateString() === new Date().toDateString();
    const time = at.toLocaleTimeString(navigator.language, { hour: "2-digit", minute: "2-digit" });
    if (sameDay) return time;
    return `${at.toLocaleDateString(navigator.language, { day: "numeric", month: "short" })}, ${time}`;
  };

  const bar = (label, part, strong) =>
    make("div", { class: strong ? "bar strong" : "bar" },
      make("span", { class: "bar-name", text: label }),
      make("span", { class: "bar-track", "aria-hidden": "true" },
        make("span", { class: `bar-fill swatch-${label}`, style: `width:${(100 * part).toFixed(1)}%` })),
      make("span", { class: "bar-share", text: share(part) }));

  /* One tile. Its parts stay, so that focus and what is open outlive each event. */
  const newTile = (name) => {
    const state = make("span", { class: "state" });
    const why = make("p", { class: "why" });
    const image = make("img", { alt: "", hidden: true });
    const blank = make("p", { class: "blank" });
    const rows = make("div", { class: "rows" });
    const facts = make("p", { class: "tile-facts" });
    const said = make("span", { class: "unseen", role: "status" });
    const node = make("article", { class: "tile panel", "aria-label": name },
      make("header", {}, make("h2", { text: name }), state),
      why,
      make("div", { class: "picture" }, image, blank),
      rows, facts, said);
    return { node, state, why, image, blank, rows, facts, said, open: new Set(), all: false, data: null };
  };

  const reading = (tile, one) => {
    const open = tile.open.has(one.track);
    const button = make("button", {
      type: "button", class: "reading", "aria-expanded": open ? "true" : "false",
      "data-track": one.track,
      onclick: () => {
        if (open) tile.open.delete(one.track); else tile.open.add(one.track);
        drawReadings(tile);
        tile.rows.querySelector(`[data-track="${one.track}"]`)?.focus();
      },
    },
    make("span", { class: "reading-who", text: `Track ${one.track}` }),
    make("span", { class: "reading-what" },
      make("span", { class: `swatch swatch-${one.label}`, "aria-hidden": "true" }),
      make("span", { text: one.label })),
    make("span", { class: "bar-track", "aria-hidden": "true" },
      make("span", { class: `bar-fill swatch-${one.label}`, style: `width:${(100 * one.confidence).toFixed(1)}%` })),
    make("span", { class: "bar-share", text: share(one.confidence) }));
    if (!open) return button;
    const best = ORDER.reduce((a, b) => (one.shares[b] > one.shares[a] ? b : a));
    return make("div", { class: "reading-open" }, button,
      make("div", { class: "seven" }, ...ORDER.map((label) => bar(label, one.shares[label], label === best))));
  };

  const drawReadings = (tile) => {
    const readings = tile.data.readings;
    if (!readings) {
      tile.rows.replaceChildren();
      return;
    }
    if (!readings.length) {
      tile.rows.replaceChildren(make("p", { class: "soft", text: "Nobody in view." }));
      return;
    }
    const shown = tile.all ? readings : readings.slice(0, MOST_ROWS);
    const focused = tile.rows.contains(document.activeElement) ? document.activeElement.dataset.track : null;
    tile.rows.replaceChildren(...shown.map((one) => reading(tile, one)));
    if (readings.length > MOST_ROWS) {
      tile.rows.append(make("button", {
        type: "button", class: "more", "data-track": "more",
        text: tile.all ? "Fewer" : `${readings.length - MOST_ROWS} more`,
        onclick: () => { tile.all = !tile.all; drawReadings(tile); },
      }));
    }
    if (focused) tile.rows.querySelector(`[data-track="${focused}"]`)?.focus({ preventScroll: true });
  };

  page("now", (root) => {
    const box = document.getElementById("now");
    const place = document.getElementById("now-tiles");
    const summary = document.getElementById("now-summary");
    const link = document.getElementById("now-link");
    const tools = document.getElementById("now-tools");
    const welcome = document.getElementById("now-welcome");
    const operator = Boolean(box.dataset.operator);
    const pictures = box.dataset.pictures;
    const tiles = new Map();
    let names = [];
    let ahead = 0; // Of the server's clock, before this browser's, in seconds.
    let source = null;
    let timer = null;
    let ended = false;
    let lost = false;
    let known = false;
    let trouble = "";
    let starting = false;

    const now = () => Date.now() / 1000 + ahead;

    const sort = make("select", { id: "now-sort", onchange: () => arrange() },
      make("option", { value: "trouble", text: "Trouble first" }),
      make("option", { value: "people", text: "Most people first" }),
      make("option", { value: "name", text: "Name" }));
    const group = make("select", { id: "now-group", onchange: () => arrange() },
      make("option", { value: "", text: "All" }));
    const groupField = make("div", { class: "field inline" }, make("label", { for: "now-group", text: "Tag" }), group);
    tools.replaceChildren(
      make("div", { class: "field inline" }, make("label", { for: "now-sort", text: "Sort" }), sort),
      groupField,
      make("p", { class: "soft last", text: pictures === "off"
        ? "Pictures are off (MOODLINE_LIVE_VIEW)."
        : pictures === "clear" ? "Faces are shown: MOODLINE_LIVE_VIEW is clear. No picture is stored."
          : "Faces are blurred. No picture is stored." }));

    const arrange = () => {
      const rank = (name) => {
        const data = tiles.get(name).data;
        if (!data) return 9;
        if (sort.value === "trouble") return IS_DOWN.has(data.state) ? 0 : data.state === "connecting" ? 1 : 2;
        if (sort.value === "people") return -((data.readings || []).length);
        return 0;
      };
      const ordered = [...names].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b));
      // Moving a node takes its focus: only when the order is another one.
      const wanted = ordered.map((name) => tiles.get(name).node);
      if (wanted.some((node, at) => place.children[at] !== node) || place.children.length !== wanted.length) {
        const focus = document.activeElement;
        place.replaceChildren(...wanted);
        if (place.contains(focus)) focus.focus({ preventScroll: true });
      }
      for (const name of names) {
        const tile = tiles.get(name);
        tile.node.hidden = Boolean(group.value) && !(tile.data && tile.data.tags.includes(group.value));
      }
    };

    const listTags = () => {
      const tags = [...new Set(names.flatMap((name) => tiles.get(name).data?.tags || []))].sort();
      groupField.hidden = !tags.length;
      const before = [...group.options].slice(1).map((one) => one.value);
      if (tags.join("\n") === before.join("\n")) return;
      const chosen = tags.includes(group.value) ? group.value : "";
      group.replaceChildren(make("option", { value: "", text: "All" }),
        ...tags.map((tag) => make("option", { value: tag, text: tag })));
      group.value = chosen;
    };

    const summarize = () => {
      const all = names.map((name) => tiles.get(name).data).filter(Boolean);
      if (!names.length) {
        summary.textContent = "No live source yet.";
      } else if (all.length === names.length) {
        const count = (what) => all.filter(what).length;
        const parts = [];
        const people = all.reduce((sum, one) => sum + (one.readings || []).length, 0);
        const live = count((one) => one.state === "streaming");
        const down = all.filter((one) => IS_DOWN.has(one.state));
        const waiting = count((one) => one.state === "connecting");
        const paused = count((one) => one.state === "paused");
        if (live) parts.push(`${live} live, ${people === 1 ? "1 person" : `${people} people`} in view`);
        if (down.length === 1) parts.push(`${down[0].name} is offline${down[0].since ? ` since ${clockTime(down[0].since)}` : ""}`);
        else if (down.length) parts.push(`${down.length} offline`);
        if (waiting) parts.push(`${waiting} connecting`);
        if (paused) parts.push(`${paused} paused`);
        const text = `${all.length === 1 ? "1 source" : `${all.length} sources`}: ${parts.join("; ")}.`;
        if (summary.textContent !== text) summary.textContent = text;
      }
    };

    const draw = (tile) => {
      const data = tile.data;
      const [kind, word] = STATES[data.state] || ["warn", data.state];
      const before = tile.state.textContent;
      tile.state.className = `state state-${kind}`;
      tile.state.textContent = word;
      const live = data.state === "streaming";
      tile.node.classList.toggle("is-down", IS_DOWN.has(data.state));
      tile.node.classList.toggle("is-live", live);
      const since = data.since ? `since ${clockTime(data.since)}` : "";
      tile.why.textContent = live ? "" : [data.reason ? `${data.reason[0].toUpperCase()}${data.reason.slice(1)}.` : "", since ? `${word} ${since}.` : ""].filter(Boolean).join(" ").replace("..", ".");
      tile.why.hidden = live;
      if (before && before !== word) tile.said.textContent = `${data.name}: ${word}. ${live ? "" : data.reason}`;
      const people = (data.readings || []).length;
      tile.image.alt = `Newest picture of ${data.name}${pictures === "blurred" ? ", faces blurred" : ""}: ${
        !data.readings ? "from before" : people === 1 ? "1 person in view" : people ? `${people} people in view` : "nobody in view"}`;
      tile.blank.textContent = live
        ? (pictures === "off" ? "Pictures are off." : data.readings ? "" : "Waiting for the first picture.")
        : data.state === "paused" ? "Paused: nothing is read." : "No picture.";
      tile.blank.hidden = !tile.image.hidden;
      drawReadings(tile);
      tick(tile);
    };

    const tick = (tile) => {
      const data = tile.data;
      if (!data) return;
      const parts = [];
      if (data.state === "streaming") {
        parts.push(`${rate(data.fps)} fps`);
        if (data.behind_s !== null) parts.push(`lag ${span(data.behind_s)}`);
      }
      if (data.captured_at) parts.push(`last frame ${span(now() - data.captured_at)} ago`);
      const text = parts.join(" · ");
      if (tile.facts.textContent !== text) tile.facts.textContent = text;
    };

    const showWelcome = () => {
      welcome.hidden = !known || names.length > 0;
      tools.hidden = !names.length;
      if (welcome.hidden || welcome.childElementCount) return;
      const to = (path) => `${base()}${path}`;
      const way = (title, text, action) => make("li", { class: "panel way" },
        make("h2", { text: title }), make("p", { text }), action);
      const anchor = (href, text, quiet) => make("a", { class: quiet ? "button quiet" : "button", href, text });
      const demo = make("button", { type: "button", class: "button quiet", text: "Start the demo",
        onclick: async () => {
          if (starting) return;
          starting = true;
          demo.disabled = true;
          demo.textContent = "Rendering the clip …";
          try {
            await ask("now/demo", { method: "POST", json: {} });
            demo.textContent = "It comes up in a few seconds";
          } catch (error) {
            link.textContent = error.message;
            demo.textContent = "Start the demo";
            demo.disabled = false;
          }
          starting = false;
        } });
      welcome.replaceChildren(
        make("p", { class: "welcome-line", text: operator
          ? "Choose where the first pictures come from. A live source shows here within seconds, and in Trends within a minute."
          : "Whoever runs this moodline can add the first source." }),
        operator ? make("ul", { class: "ways" },
          way("A webcam", "One that is connected to the machine where moodline runs.", anchor(to("sources?add=webcam"), "Add a webcam")),
          way("A network camera", "Its RTSP or HTTP address, with user and password if it asks for them.", anchor(to("sources?add=camera"), "Add a camera")),
          way("Recordings", "Videos that you have: every frame, with its exact time.", anchor(to("recordings"), "Open recordings", true)),
          way("The demo", "A clip of faces that belong to no one, played as if it were live.", demo)) : make("span"));
    };

    const hear = (name, handle) => source.addEventListener(name, (event) => {
      if (lost) {
        lost = false;
        place.classList.remove("is-stale");
        link.textContent = trouble;
      }
      handle(JSON.parse(event.data));
    });

    const connect = () => {
      if (source || ended) return;
      source = new EventSource(`${base()}api/now/events`);
      hear("clock", (at) => { ahead = at - Date.now() / 1000; });
      hear("all", (data) => {
        known = true;
        names = data.names;
        for (const name of [...tiles.keys()]) if (!names.includes(name)) tiles.delete(name);
        for (const name of names) if (!tiles.has(name)) tiles.set(name, newTile(name));
        trouble = data.trouble;
        if (link.textContent !== trouble) link.textContent = trouble;
        arrange(); summarize(); showWelcome();
      });
      hear("tile", (data) => {
        const tile = tiles.get(data.name);
        if (!tile) return;
        tile.data = data;
        draw(tile); listTags(); arrange(); summarize();
      });
      hear("picture", (data) => {
        const tile = tiles.get(data.name);
        if (!tile) return;
        tile.image.src = `data:image/jpeg;base64,${data.jpeg}`;
        tile.image.hidden = false;
        tile.blank.hidden = true;
      });
      source.addEventListener("again", () => { disconnect(); connect(); });
      source.addEventListener("error", () => {
        if (ended) return;
        lost = true;
        place.classList.add("is-stale");
        const time = new Date().toLocaleTimeString(navigator.language);
        if (!link.textContent.startsWith("The connection")) {
          link.textContent = `The connection to moodline was lost at ${time}; trying again. What is shown is from then.`;
        }
        if (source.readyState === EventSource.CLOSED) {
          disconnect();
          // Refused, and an event source never says why. Signed out: base.js says that.
          ask("now/room").catch((error) => { if (lost) link.textContent = error.message; });
          setTimeout(() => { if (!document.hidden) connect(); }, 3000);
        }
      });
    };

    const disconnect = () => {
      if (source) source.close();
      source = null;
    };

    const follow = () => (document.hidden ? disconnect() : connect());
    document.addEventListener("visibilitychange", follow);
    timer = setInterval(() => tiles.forEach(tick), 1000);
    connect();
    return () => {
      ended = true;
      clearInterval(timer);
      document.removeEventListener("visibilitychange", follow);
      disconnect();
    };
  });
})();
