/* The page Sources: a table that is kept fresh, and a form to add and edit. */
(() => {
  const { page, ask, make, base } = window.moodline;
  const EVERY_MS = 5000;
  const STATES = {
    streaming: ["good", "Live"], connecting: ["warn", "Connecting"], stalled: ["bad", "No picture comes"],
    backing_off: ["bad", "Offline, trying again"], failed: ["bad", "Cannot be read"],
    dead: ["bad", "Not watched over"], paused: ["idle", "Paused"],
  };
  const CAUSES = {
    newest: "replaced by a newer one", corrupt: "did not decode", broker_full: "no memory in the broker", broker_lost: "lost by the broker", poison: "set aside as a dead letter",
  };
  const number = (value) => value.toLocaleString();
  const time = (seconds) => new Date(seconds * 1000).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const length = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`);

  page("sources", () => {
    const root = document.getElementById("sources-page");
    const operator = Boolean(root.dataset.operator);
    const trouble = make("div", { class: "trouble", role: "alert" });
    const said = make("p", { class: "soft", role: "status" });
    const list = make("div", { class: "source-list" });
    const formPlace = make("div");
    const addButton = make("button", { type: "button", class: "button", text: "Add a source", onclick: () => openForm(null) });
    root.replaceChildren(make("div", { class: "toolbar" }, operator ? addButton : null, said), trouble, formPlace, list);
    let timer = null;
    let ended = false;
    let latest = new Map();
    const rows = new Map();

    const refresh = async () => {
      try {
        const told = await ask("sources/list");
        if (ended) return;
        trouble.textContent = told.trouble;
        draw(told);
      } catch (error) {
        if (!ended) trouble.textContent = error.message;
      }
    };
    const again = async () => {
      await refresh();
      if (!ended) timer = setTimeout(again, EVERY_MS);
    };

    const act = async (path, source, done) => {
      try {
        await ask(`sources/${path}`, { method: "POST", json: { name: source.name } });
        said.textContent = done;
      } catch (error) { trouble.textContent = error.message; }
      await refresh();
    };

    const draw = (told) => {
      latest = new Map(told.sources.map((one) => [one.name, one]));
      if (!told.sources.length) {
        list.replaceChildren(make("div", { class: "empty" },
          make("p", { text: "No live source yet." }),
          make("p", { text: operator ? "Add a webcam or a camera's address: it is tested before it is kept." : "Whoever runs this moodline can add one." })));
        rows.clear();
        return;
      }
      if (!rows.size) list.replaceChildren();
      for (const [name, node] of rows) {
        if (latest.has(name)) continue;
        node.remove();
        rows.delete(name);
      }
      told.sources.forEach((one, at) => {
        const fresh = row(one, told.span);
        const node = rows.get(one.name) || fresh;
        if (node === fresh) rows.set(one.name, node);
        else become(node, fresh);
        if (list.children[at] !== node) list.insertBefore(node, list.children[at] || null);
      });
    };

    /* Make a node say what a fresh one says, so that focus, scroll, and what is open stay. */
    const become = (node, fresh) => {
      for (const { name, value } of fresh.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
      for (const { name } of [...node.attributes]) if (name !== "open" && !fresh.hasAttribute(name)) node.removeAttribute(name);
      const wanted = [...fresh.childNodes];
      wanted.forEach((one, at) => {
        const there = node.childNodes[at];
        if (!there) node.append(one);
        else if (there.nodeName !== one.nodeName || there.dataset?.key !== one.dataset?.key) {
          const focused = there === document.activeElement;
          there.replaceWith(one);
          if (focused) one.focus();
        } else if (one.nodeType === Node.TEXT_NODE) {
          if (there.data !== one.data) there.data = one.data;
        } else become(there, one);
      });
      while (node.childNodes.length > wanted.length) node.lastChild.remove();
    };

    const row = (source, span) => {
      const [kind, word] = STATES[source.state] || ["warn", source.state];
      const buttons = operator ? make("div", { class: "row-buttons" },
        button("Edit", source, () => openForm(latest.get(source.name) || source)),
        source.state === "paused"
          ? button("Resume", source, () => act("resume", source, `${source.name} is read again.`))
          : button("Pause", source, () => act("pause", source, `${source.name} is paused.`)),
        button("Remove", source, () => confirmRemoval(source), "danger")) : null;
      const details = make("details", {},
        make("summary", { text: "Last 24 hours, and what was lost", "data-key": `more ${source.name}` }), history(source), losses(source));
      return make("section", { class: "panel source", "aria-label": source.name },
        make("div", { class: "source-head" },
          make("div", {}, make("h2", { text: source.name }),
            make("p", { class: "soft uri", text: source.uri }),
            source.tags.length ? make("p", { class: "tags" }, ...source.tags.map((tag) => make("span", { class: "tag", text: tag }))) : null),
          make("div", { class: "source-state" }, make("span", { class: `state state-${kind}`, text: word }),
            make("p", { class: "soft", text: source.since ? `since ${time(Date.parse(source.since) / 1000)}` : "" })),
          make("div", { class: "source-state" }, make("strong", { text: source.state === "streaming" ? `${source.fps.toFixed(1)} fps` : "–" }),
            make("p", { class: "soft", text: source.fps_limit ? `at most ${source.fps_limit} analysed` : "all are analysed" })),
          buttons),
        make("p", { class: "why", text: source.reason, hidden: !source.reason }),
        strip(source, span), details);
    };

    const button = (text, source, onclick, kind = "quiet") => make("button", {
      type: "button", class: `button ${kind}`, text, onclick, "data-key": `${text} ${source.name}`, "aria-label": `${text} ${source.name}` });

    const strip = (source, span) => {
      const whole = span.until - span.since;
      const known = source.history.reduce((sum, one) => sum + one.until - one.since, 0);
      const live = source.history.filter((one) => one.state === "streaming").reduce((sum, one) => sum + one.until - one.since, 0);
      const line = known ? `Live ${Math.floor((1000 * live) / known) / 10} % of the ${length(known)} that it was watched over in the last 24 hours.` : "Not watched over in the last 24 hours.";
      const parts = source.history.map((one) => {
        const part = make("i", { class: `part part-${(STATES[one.state] || ["warn"])[0]}` });
        part.style.left = `${(100 * (one.since - span.since)) / whole}%`;
        part.style.width = `${Math.max((100 * (one.until - one.since)) / whole, 0.15)}%`;
        return part;
      });
      return make("div", { class: "health" }, make("div", { class: "health-strip", "aria-hidden": "true" }, ...parts), make("p", { class: "soft", text: line }));
    };

    const history = (source) => {
      if (!source.history.length) return make("p", { class: "soft", text: "Nothing is known of it." });
      return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `What ${source.name} did` }, make("table", {},
        make("thead", {}, make("tr", {}, ...["From", "For", "State", "Why"].map((name) => make("th", { scope: "col", text: name })))),
        make("tbody", {}, ...source.history.slice(0, 100).map((one) => make("tr", {},
          make("th", { scope: "row", text: time(one.since) }), make("td", { text: length(one.until - one.since) }),
          make("td", { text: (STATES[one.state] || ["", one.state])[1] }), make("td", { class: "reason", text: one.reason || "–" }))))));
    };

    const losses = (source) => {
      const dropped = Object.entries(source.dropped).filter(([, count]) => count);
      const share = (count) => `${number(count)} (${((100 * count) / Math.max(source.captured, 1)).toFixed(1)} %)`;
      const rows = [["Captured in this run", number(source.captured)], ["Analysed", share(source.analyzed)], ["Left out by the limit", share(source.sampled_out)],
        ...dropped.map(([cause, count]) => [`Dropped: ${CAUSES[cause] || cause}`, share(count)])];
      if (!dropped.length) rows.push(["Dropped", "none"]);
      return make("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [make("dt", { text: name }), make("dd", { text: value })]));
    };

    const confirmRemoval = (source) => {
      const dialog = make("dialog", { class: "dialog", "aria-label": `Remove ${source.name}` },
        make("h2", { text: `Remove ${source.name}?` }),
        make("p", { text: "It is not read any more, and where it is, is forgotten. What was read of it stays; System & privacy erases that." }),
        make("div", { class: "toolbar" },
          make("button", { type: "button", class: "button danger", text: "Remove it", onclick: () => { dialog.close(); act("remove", source, `${source.name} is removed.`); } }),
          make("button", { type: "button", class: "button quiet", text: "Keep it", onclick: () => dialog.close() })));
      dialog.addEventListener("close", () => dialog.remove());
      root.append(dialog);
      dialog.showModal();
    };

    const openForm = (source, kind = "camera") => {
      const field = (id, label, control, hint) => make("div", { class: "field" }, make("label", { for: id, text: label }), control,
        hint ? make("p", { class: "hint", id: `${id}-hint`, text: hint }) : null);
      const name = make("input", { id: "source-name", maxlength: "64", required: true, value: source ? source.name : "", autocomplete: "off", readonly: Boolean(source) });
      const uri = make("input", { id: "source-uri", maxlength: "2048", required: !source, autocomplete: "off", spellcheck: "false", autocapitalize: "none",
        "aria-describedby": "source-uri-hint", value: !source && kind === "webcam" ? "0" : "", placeholder: source ? "as it is" : "rtsp://user:password@camera.local/live" });
      const fps = make("input", { id: "source-fps", type: "number", min: "0.1", max: "240", step: "any", value: source && source.fps_limit ? source.fps_limit : "5", required: true });
      const tags = make("input", { id: "source-tags", maxlength: "400", autocomplete: "off", value: source ? source.tags.join(", ") : "" });
      const wrong = make("div", { class: "trouble", role: "alert" });
      const shown = make("div", { class: "test-result", role: "status" });
      const test = make("button", { type: "button", class: "button quiet", text: "Test", onclick: () => runTest() });
      const save = make("button", { type: "submit", class: "button", text: source ? "Save" : "Add it" });

      const runTest = async () => {
        wrong.textContent = "";
        test.disabled = true;
        shown.replaceChildren(make("p", { class: "soft", text: "Opening it and looking for three seconds …" }));
        try {
          const told = await ask("sources/test", { method: "POST", json: { uri: uri.value.trim(), name: source ? source.name : "" } });
          shown.replaceChildren(
            make("img", { alt: `A picture of it, faces blurred: ${told.faces ? `up to ${told.faces} in view` : "no face in view"}`, src: `data:image/jpeg;base64,${told.picture}` }),
            make("dl", { class: "facts" }, ...[
              ["Picture", `${told.width} × ${told.height}, ${told.codec}`],
              ["Comes", `${told.fps} frames a second${told.rate ? `; it says ${Math.round(told.rate * 100) / 100}` : ""}`],
              ["First picture", `after ${told.first_picture_s} s`],
              ["Faces", told.faces ? `up to ${told.faces}, in ${told.with_face} of ${told.looked} pictures` : `none in ${told.looked} pictures`],
              ...(told.corrupt ? [["Did not decode", `${told.corrupt} packets`]] : []),
            ].flatMap(([key, value]) => [make("dt", { text: key }), make("dd", { text: value })])));
        } catch (error) {
          shown.replaceChildren();
          wrong.textContent = error.message;
        }
        test.disabled = false;
      };

      const form = make("form", { class: "panel source-form", "aria-label": source ? `Edit ${source.name}` : "Add a source",
        onsubmit: async (event) => {
          event.preventDefault();
          wrong.textContent = "";
          save.disabled = true;
          const typed = { name: name.value.trim(), uri: uri.value.trim(), fps: Number(fps.value),
            tags: tags.value.split(",").map((tag) => tag.trim()).filter(Boolean) };
          try {
            await ask(`sources/${source ? "edit" : "add"}`, { method: "POST", json: typed });
            formPlace.replaceChildren();
            said.textContent = source ? `${typed.name} is saved; it is opened anew.` : `${typed.name} is added; it is read within seconds.`;
            addButton.focus();
            await refresh();
          } catch (error) { wrong.textContent = error.message; }
          save.disabled = false;
        } },
      make("h2", { text: source ? `Edit ${source.name}` : "Add a source" }),
      make("div", { class: "form-grid" },
        field("source-name", "Name", name, source ? "It stays: records are kept under it." : "As you will see it everywhere."),
        field("source-uri", "Address", uri, source ? `Now ${source.uri}. Leave it empty to keep it, with its password.`
          : "rtsp://, rtsps://, http:// (MJPEG, HLS), or the number of a webcam on moodline's machine, as in 0. A password in it is sealed and never shown again."),
        field("source-fps", "Frames analysed a second, at most", fps, "5 follow expressions well; the others are counted as left out."),
        field("source-tags", "Tags", tags, "To group sources, separated by commas: entrance, floor 2.")),
      wrong, shown,
      make("div", { class: "toolbar" }, save, test,
        make("button", { type: "button", class: "button quiet", text: "Cancel", onclick: () => { formPlace.replaceChildren(); addButton.focus(); } })));
      formPlace.replaceChildren(form);
      (source ? uri : name).focus();
      form.scrollIntoView({ block: "nearest" });
    };

    const wanted = new URLSearchParams(location.search).get("add");
    if (operator && wanted) openForm(null, wanted);
    again();
    return () => { ended = true; clearTimeout(timer); };
  });
})();
