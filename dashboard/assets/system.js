/* The page System & privacy: refreshed while nobody types. */
(() => {
  const { page, ask, make, base } = window.moodline;
  const EVERY_MS = 30000;
  const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString());
  const moment = (seconds) => (seconds ? new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : "–");
  const size = (bytes) => {
    if (bytes === null || bytes === undefined) return "–";
    const units = ["bytes", "kB", "MB", "GB", "TB"];
    let at = 0;
    while (bytes >= 1000 && at < units.length - 1) { bytes /= 1000; at += 1; }
    return `${bytes.toLocaleString(undefined, { maximumFractionDigits: bytes < 10 && at ? 1 : 0 })} ${units[at]}`;
  };
  const days = (count) => (count ? `${count} days` : "for ever");
  const videos = (count) => (count < 0 ? "until they are deleted" : count === 0 ? "until they are analysed" : count === 1 ? "for 1 day" : `for ${count} days`);
  const facts = (...rows) => make("dl", { class: "facts" }, ...rows.filter(Boolean).flatMap(([name, value]) => [make("dt", { text: name }), make("dd", {}, value)]));
  const state = (kind, text) => make("span", { class: `state state-${kind}`, text });

  const table = (names, rows, label) => make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${label}, table` }, make("table", { class: "plain" },
    make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col", text: name })))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map((cell, at) => make(at ? "td" : "th", at ? {} : { scope: "row" }, cell)))))));

  page("system", () => {
    const root = document.getElementById("system");
    const admin = Boolean(root.dataset.admin);
    let timer = null;
    let ended = false;

    const section = (id, title, ...children) => make("section", { class: "panel system-part", id, "aria-label": title }, make("h2", { text: title }), ...children);
    const place = () => make("div");
    const [services, jobs, storage, letters, kept, audit] = [place(), place(), place(), place(), place(), place()];
    const updated = make("p", { class: "soft", role: "status" });
    const sources = make("datalist", { id: "erase-sources" });
    root.replaceChildren(
      make("div", { class: "toolbar" },
        make("a", { href: "#privacy", class: "button quiet", text: "Go to privacy" }),
        make("button", { type: "button", class: "button quiet", text: "Refresh", onclick: () => refresh() }), updated),
      section("services", "Services", services),
      section("jobs", "Jobs", make("p", { class: "soft", text: "The scheduler runs them, on one host at a time." }), jobs),
      section("storage", "Storage", storage),
      section("letters", "Dead letters", letters),
      make("h2", { class: "divider", id: "privacy", text: "Privacy" }),
      section("kept", "What is stored, and for how long", kept),
      eraseForm(), noticeForm(),
      section("audit", "Audit", make("p", { class: "soft", text: "What was done that cannot be seen in the records any more." }), audit));

    const fill = (where, trouble, draw) => {
      where.replaceChildren(...(trouble ? [make("p", { class: "trouble", role: "alert", text: trouble })] : [draw()].flat().filter(Boolean)));
    };

    const refresh = async () => {
      try {
        const [told, audited] = await Promise.all([ask("system/overview"), ask("system/audit")]);
        if (ended) return;
        fill(services, told.errors.status, () => drawServices(told.status));
        fill(jobs, told.errors.jobs, () => drawJobs(told.jobs));
        fill(storage, told.errors.storage, () => drawStorage(told.storage, told.kept));
        fill(letters, told.errors.letters, () => drawLetters(told.letters));
        fill(kept, "", () => drawKept(told));
        fill(audit, "", () => drawAudit(audited.entries));
        sources.replaceChildren(...(told.sources || []).map((name) => make("option", { value: name })));
        updated.textContent = `As of ${new Date().toLocaleTimeString()}.`;
      } catch (error) {
        if (!ended) updated.textContent = error.message;
      }
    };
    const again = async () => {
      await refresh();
      if (!ended) timer = setTimeout(again, EVERY_MS);
    };

    const SERVICE_STATES = { running: ["good", "Running"], standby: ["idle", "Stands by"], trouble: ["bad", "In trouble"] };
    const serviceState = (one) => {
      const [kind, word] = SERVICE_STATES[one.state] || ["warn", one.state];
      return make("span", {}, state(kind, word), one.reason ? make("span", { class: "soft", text: ` ${one.reason}` }) : null);
    };

    const drawServices = (status) => {
      const { broker, database, workers, runs, services: told } = status;
      const waiting = runs.reduce((sum, one) => sum + one.lag, 0);
      const parts = [facts(
        ["Broker", broker.ok ? (broker.url ? state("good", `${broker.server} ${broker.version}`) : state("idle", "None runs")) : state("bad", "Cannot be reached")],
        broker.text ? ["", broker.text] : null,
        broker.used_memory ? ["Its memory", `${size(broker.used_memory)}${broker.max_memory ? ` of ${size(broker.max_memory)}` : ""}`] : null,
        ["Database", database.ok ? state("good", `Schema ${database.schema}`) : state("bad", "Cannot be used")],
        database.text ? ["", database.text] : null,
        ["Frames that wait", number(waiting)])];
      parts.push(told.length ? table(["Service", "Host", "State", "Since"], told.map((one) => [one.service, one.host, serviceState(one), moment(Date.parse(one.since) / 1000)]), "Ingest, scheduler, dashboard")
        : make("p", { class: "soft", text: "No ingest, scheduler or dashboard tells of itself in the broker." }));
      parts.push(workers.length ? table(["Worker", "Host", "Device", "Model", "Frames/s", "Frames waiting", "Latency p95"],
        workers.map((one) => [one.id, one.host, one.device, one.model, one.fps.toFixed(1), number(one.lag),
          one.latency_p95_s === null ? "–" : `${one.latency_p95_s.toFixed(2)} s`]), "Workers")
        : make("p", { class: "soft", text: "No worker lives. `moodline up` keeps some, `moodline worker` is one." }));
      if (runs.length) parts.push(table(["Run", "Source", "State", "Analysed", "Waiting"],
        runs.map((one) => [one.run_id, one.source, one.state, number(one.frames_analyzed), number(one.lag)]), "Runs that have not ended"));
      return parts;
    };

    const drawJobs = (lines) => table(["Job", "When", "Next", "Last", "Took", "Result"], lines.map((one) => [
      one.job, one.when, moment(one.next), moment(one.last), one.took_s === null ? "–" : `${one.took_s} s`,
      one.error ? state("bad", one.error) : one.result || "–"]), "Jobs");

    const drawStorage = (told, keptDays) => {
      const most = Math.max(...told.days.map((one) => one.rows), 0);
      const columns = told.days.map((one) => {
        const fill = make("i");
        fill.style.height = `${(100 * one.rows) / Math.max(most, 1)}%`;
        return make("span", { class: "column", title: `${new Date(one.day * 1000).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" })}: ${number(one.rows)} rows` }, fill);
      });
      const line = !told.rows ? "No rows yet." : told.bytes_a_day
        ? `About ${size(told.bytes_a_day)} come in a day. ${told.levels_at ? `With rows kept for ${keptDays.faces} days it levels off near ${size(told.levels_at)}.` : "Rows are kept for ever: it grows on."}`
        : "Too little is kept to say how fast it grows: that takes a full day.";
      return [facts(["Database", size(told.bytes)], ["Rows of frames and faces", number(told.rows)]), make("p", { text: line }),
        make("figure", { class: "columns-figure" }, make("div", { class: "columns", "aria-hidden": "true" }, ...columns),
          make("p", { class: "soft", text: most ? `Rows by day over the last ${told.days.length} days, UTC; the most in a day are ${number(most)}.` : `Of the last ${told.days.length} days there are no rows.` }))];
    };

    const drawLetters = (found) => (found.length
      ? [make("p", { text: `${found.length === 100 ? "The newest 100 frames" : number(found.length) + (found.length === 1 ? " frame" : " frames")} that no worker could analyse. The run went on without them, and counts them.` }),
        table(["Run", "Source", "Frame", "At", "Why"], found.map((one) => [one.run_id, one.source, number(one.frame_index), moment(one.at), one.reason]), "Dead letters")]
      : make("p", { text: "No frame was set aside." }));

    const drawKept = (told) => [
      make("ul", { class: "sentences" },
        make("li", { text: told.live_view === "off" ? "No picture of a camera is stored, and none is shown." : `No picture of a camera is stored. The newest of each live source is in the broker's memory for 5 seconds, ${told.live_view === "clear" ? "with faces that can be seen" : "its faces blurred"}.` }),
        make("li", { text: `Recordings that are sent here, and annotated copies that are drawn of recordings, are videos in which faces can be seen. They are kept ${videos(told.kept.uploads)}; an operator can delete either sooner. Recordings in folders stay where they are.` }),
        make("li", { text: "A face is a box, a time, a track within its recording, and seven probabilities. Nobody is identified or compared with anybody." })),
      facts(["Rows of faces", days(told.kept.faces)], ["Rows of frames", days(told.kept.frames)], ["Sums by the minute", days(told.kept.minutes)], ["All other sums", days(told.kept.rollups)], ["Sent recordings, annotated copies", videos(told.kept.uploads)]),
      make("p", { class: "help", text: "Counted from when they came in, for videos from their analysis or drawing. Set them in the environment of scheduler and dashboard: MOODLINE_KEEP_FACES_DAYS, MOODLINE_KEEP_FRAMES_DAYS, MOODLINE_KEEP_MINUTES_DAYS, MOODLINE_KEEP_ROLLUPS_DAYS, MOODLINE_KEEP_UPLOADS_DAYS." }),
      make("p", { class: "help", text: "Inferring emotions of people at work or in schools is prohibited in the European Union (AI Act, Article 5(1)(f))." })];

    const drawAudit = (entries) => {
      if (!entries.length) return make("p", { text: "Nothing was erased so far, and no user changed." });
      const words = (details) => Object.entries(details.scope || details).map(([name, value]) => `${name} ${value}`).join(", ");
      return table(["Number", "At", "By", "What", "Of", "Frames", "Faces"], entries.map((one) => [String(one.id), moment(one.at), one.actor, one.action,
        words(one.details), "scope" in one.details ? number(one.details.frames + one.details.rollups) : "–", "scope" in one.details ? number(one.details.faces) : "–"]), "Audit");
    };

    function eraseForm() {
      const id = (name) => `erase-${name}`;
      const field = (name, label, control, hint) => make("div", { class: "field" }, make("label", { for: id(name), text: label }), control, hint ? make("p", { class: "hint", text: hint }) : null);
      if (!admin) return section("erase", "Erase", make("p", { class: "soft", text: "An admin can erase what was recorded: by source, run or time." }));
      const source = make("input", { id: id("source"), list: "erase-sources", maxlength: "512", autocomplete: "off" });
      const run = make("input", { id: id("run"), maxlength: "64", autocomplete: "off" });
      const since = make("input", { id: id("since"), type: "datetime-local" });
      const until = make("input", { id: id("until"), type: "datetime-local" });
      const wrong = make("div", { class: "trouble", role: "alert" });
      const result = make("div", { role: "status" });
      const iso = (input) => (input.value ? new Date(input.value).toISOString() : null);
      const scope = () => ({ source: source.value.trim(), run: run.value.trim(), since: iso(since), until: iso(until) });
      const counts = (told) => facts(["Runs", number(told.runs)], ["Frames", number(told.frames)], ["Faces", number(told.faces)], ["Tracks", number(told.tracks)],
        ["Sums of older frames", number(told.rollups)], ["Sources", told.sources.join(", ") || "none"]);
      const clear = () => { result.replaceChildren(); wrong.textContent = ""; };
      for (const input of [source, run, since, until]) input.addEventListener("input", clear);
      const form = make("form", { onsubmit: async (event) => {
        event.preventDefault();
        clear();
        const asked = scope();
        try {
          const told = await ask("system/erase", { method: "POST", json: { ...asked, dry_run: true } });
          const typed = make("input", { id: id("typed"), autocomplete: "off" });
          const button = make("button", { type: "button", class: "button danger", text: "Erase it for good", disabled: true, onclick: () => erase(asked) });
          typed.addEventListener("input", () => { button.disabled = typed.value.trim().toLowerCase() !== "erase"; });
          result.replaceChildren(make("h3", { text: "This would be erased" }), counts(told),
            field("typed", "Type erase to go on", typed), make("div", { class: "toolbar" }, button));
          typed.focus();
        } catch (error) { wrong.textContent = error.message; }
      } },
      make("div", { class: "form-grid" },
        field("source", "Source", source), field("run", "Run", run, "Its id, as System and `moodline runs list` show it."),
        field("since", "Captured from", since), field("until", "Captured before", until)),
      wrong,
      make("div", { class: "toolbar" }, make("button", { type: "submit", class: "button quiet", text: "Count what would go" })));
      const erase = async (asked) => {
        result.replaceChildren(make("p", { class: "soft", text: "Erasing …" }));
        try {
          const told = await ask("system/erase", { method: "POST", json: { ...asked, dry_run: false } });
          result.replaceChildren(make("h3", { text: `Erased; receipt ${told.number}` }), counts(told));
          await refresh();
        } catch (error) { clear(); wrong.textContent = error.message; }
      };
      return section("erase", "Erase", make("p", { class: "soft", text: "What is given must all hold. Rows, and the sums that they went into, go; backups of the database are yours to erase. Annotated copies of the runs go too, and with a whole run the recording that was sent; a range of time leaves that recording as it is, with the people in it: delete the file on Recordings, or erase the run." }), form, result, sources);
    }

    function noticeForm() {
      const field = (name, label, hint) => make("div", { class: "field" }, make("label", { for: `notice-${name}`, text: label }),
        make("input", { id: `notice-${name}`, name, maxlength: "200", autocomplete: "off" }), make("p", { class: "hint", text: hint }));
      return section("notice", "Notice for the door", make("p", { class: "soft", text: "A page to print: what happens here, what is kept for how long, and whom to ask. It says what is set now." }),
        make("form", { method: "get", action: `${base()}api/system/notice`, target: "_blank" },
          make("div", { class: "form-grid" }, field("place", "Place", "As in: Entrance hall."), field("purpose", "Why", "As in: to see whether the new signs help."), field("contact", "Responsible, and how to reach them", "Required by law in many countries.")),
          make("div", { class: "toolbar" }, make("button", { type: "submit", class: "button quiet", text: "Open the notice" }))));
    }

    again();
    return () => { ended = true; clearTimeout(timer); };
  });
})();
