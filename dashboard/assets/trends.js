/* What stands around the charts of Trends: tools, the time before, the week, moments. */
(() => {
  const { page, ask, make, base } = window.moodline;
  const ORDER = ["happy", "surprise", "neutral", "sad", "fear", "disgust", "angry", "uncertain"];
  /* In the viewer's language; the 1st of 2024 was a Monday. */
  const days = (weekday) => Array.from({ length: 7 }, (_, one) =>
    new Intl.DateTimeFormat(navigator.language, { weekday, timeZone: "UTC" }).format(new Date(Date.UTC(2024, 0, 1 + one))));
  const DAYS = days("long"), SHORT_DAYS = days("short");
  const { format: tenths } = new Intl.NumberFormat(navigator.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const LITTLE_S = 60;
  const percent = (part) => (part > 0 && part < 0.005 ? "<1 %" : `${Math.round(100 * part)} %`);
  const points = (part) => {
    const whole = Math.round(100 * part);
    return `${whole > 0 ? "+" : whole < 0 ? "−" : "±"}${Math.abs(whole)} ${Math.abs(whole) === 1 ? "point" : "points"}`;
  };
  const amount = (seconds) => (seconds < 120 ? `${Math.round(seconds)} person-seconds` : seconds < 7200 ? `${Math.round(seconds / 60)} person-minutes` : `${tenths(seconds / 3600)} person-hours`);
  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const utc = (date) => `${date.toISOString().slice(0, 16)}Z`;

  page("trends", (root) => {
    const tools = document.getElementById("trends-tools");
    const place = document.getElementById("trends-extras");
    const endList = window.moodline.sourceList(document.getElementById("sources"));
    let asked = 0;
    let ended = false;
    let told = null;
    let measure = "person";

    /* The other parts of the address stay as they are written: a comma between names is no part of one. */
    const changed = (changes) => {
      const kept = location.search.slice(1).split("&").filter((part) => part && !(part.split("=")[0] in changes));
      const added = Object.entries(changes).filter(([, value]) => value !== null).map(([key, value]) => `${key}=${value}`);
      return `?${[...kept, ...added].join("&")}`;
    };
    const go = (changes) => window.dash_clientside.set_props("url", { search: changed(changes) });

    /* A place on a chart's axis as a moment. The axis has the viewer's clock, or, where that changed, one of its own. */
    const momentAt = (graph, place) => {
      const [date, time = "0:0"] = String(place).split(/[ T]/);
      const [year, month, day] = date.split("-").map(Number);
      const [hour, minute, second = 0] = time.split(":").map(Number);
      const offset = graph.layout.meta?.offset_s ?? null;
      if (offset === null) return new Date(year, month - 1, day, hour, minute, Math.floor(second));
      return new Date(Date.UTC(year, month - 1, day, hour, minute, Math.floor(second)) - offset * 1000);
    };

    /* Whole minutes around what was chosen: nothing is stored finer. */
    const interval = (begin, end) => {
      const first = Math.floor(begin / 60000), last = Math.max(Math.ceil(end / 60000), first + 1);
      return `${utc(new Date(first * 60000))}/${utc(new Date(last * 60000))}`;
    };

    let zooming = 0;
    /* One step in the history for each zoom: what is done within 300 ms is one. */
    const onRelayout = (graph, change) => {
      const ends = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      const whole = change["xaxis.autorange"];
      if (!whole && (ends[0] === undefined || ends[1] === undefined)) return;
      clearTimeout(zooming);
      zooming = setTimeout(() => {
        if (!whole) go({ zoom: interval(...ends.map((one) => momentAt(graph, one).getTime())) });
        else if (zoomed()) go({ zoom: null });
      }, 300);
    };
    const zoomed = () => new URLSearchParams(location.search).has("zoom");

    /* Plotly's events are its graphs' own, and a graph is made when its chart is drawn first. */
    const hear = () => {
      for (const graph of root.querySelectorAll("#charts .js-plotly-plot")) {
        if (graph.dataset.heard || !graph.on) continue;
        graph.dataset.heard = "yes";
        graph.on("plotly_relayout", (change) => onRelayout(graph, change));
      }
    };
    const drawn = new MutationObserver(hear);
    drawn.observe(document.getElementById("charts"), { childList: true, subtree: true });
    hear();

    const said = make("span", { class: "soft", role: "status" });
    const reset = make("button", { type: "button", class: "button quiet", text: "Show the whole range", hidden: true, onclick: () => go({ zoom: null }) });
    const sheet = make("a", { class: "button quiet", text: "CSV", title: "The steps that are shown, in numbers" });
    const picture = make("button", { type: "button", class: "button quiet", text: "Picture", title: "The charts as PNG", onclick: () => {
      for (const figure of root.querySelectorAll("#charts figure:not([hidden])")) {
        const name = figure.querySelector("h2").textContent;
        const graph = figure.querySelector(".js-plotly-plot");
        window.Plotly.downloadImage(alone(graph, name), {
          format: "png", scale: 2, width: Math.max(graph.offsetWidth, 640), height: graph.offsetHeight + 130,
          filename: `moodline-${name.replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-|-$/g, "") || "chart"}` });
      }
    } });
    /* The chart as it means the same without the page: on its ground, with its name, range and legend. */
    const alone = (graph, name) => {
      const colour = (property) => getComputedStyle(document.documentElement).getPropertyValue(property).trim();
      const lines = document.getElementById("span").textContent.split(/(?<=\.) (?=[A-Z])/);
      const layout = structuredClone(graph.layout);
      return {
        data: structuredClone(graph.data).map((one) => ({ ...one, showlegend: !one.name.endsWith(" before") })),
        layout: {
          ...layout,
          paper_bgcolor: colour("--panel"), plot_bgcolor: colour("--panel"), showlegend: true, autosize: false,
          font: { ...layout.font, color: colour("--text") },
          title: { text: `${plain(name)}${lines.map((line) => `<br><sub>${plain(line)}</sub>`).join("")}`, x: 0.02, xanchor: "left", font: { size: 16, color: colour("--text") } },
          legend: { orientation: "h", traceorder: "normal", x: 0, y: -0.16, yanchor: "top", font: { size: 11, color: colour("--text") } },
          margin: { ...layout.margin, t: 100, b: 110 },
        },
      };
    };
    /* Plotly reads a little HTML in its texts. */
    const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
    const link = make("button", { type: "button", class: "button quiet", text: "Copy link", onclick: async () => {
      const query = new URLSearchParams(location.search);
      const ends = {};
      for (const key of ["from", "to"]) {
        const ago = /^now(?:-(\d+)([mhdwy]))?$/.exec(query.get(key) || (key === "to" ? "now" : "now-24h"));
        if (ago) ends[key] = (utc(new Date(Date.now() - (ago[1] ? Number(ago[1]) * { m: 6e4, h: 36e5, d: 864e5, w: 6048e5, y: 31536e6 }[ago[2]] : 0))));
      }
      const url = `${location.origin}${location.pathname}${changed(ends)}`;
      try { await navigator.clipboard.writeText(url); said.textContent = "Copied: it shows this very range, also tomorrow."; } catch { said.textContent = url; }
    } });
    tools.replaceChildren(sheet, picture, link, reset, said);

    const look = async (search) => {
      const mine = ++asked;
      const query = search.replace(/^\?/, "");
      reset.hidden = !zoomed();
      sheet.href = `${base()}api/trends/csv?${query}&zone=${encodeURIComponent(zone())}`;
      try {
        const found = await ask(`trends/extras?${query}&zone=${encodeURIComponent(zone())}`);
        if (ended || mine !== asked) return;
        told = found;
        draw();
      } catch (error) {
        if (!ended && mine === asked) place.replaceChildren(make("p", { class: "trouble", role: "alert", text: error.message }));
      }
    };

    const draw = () => {
      const open = place.contains(document.activeElement) ? document.activeElement.id : "";
      place.replaceChildren(compared(), week(), momentsPanel());
      if (open) document.getElementById(open)?.focus();
    };

    const compared = () => {
      const { covered, shares, person_s: seconds, comparable } = told.compared;
      const row = (label) => make("tr", {}, make("th", { scope: "row" }, make("span", { class: `swatch swatch-${label}`, "aria-hidden": "true" }), ` ${label}`),
        make("td", { text: shares.now ? percent(shares.now[label]) : "–" }), make("td", { text: shares.before ? percent(shares.before[label]) : "–" }),
        make("td", { text: comparable ? points(shares.now[label] - shares.before[label]) : "–" }));
      return make("section", { class: "panel", "aria-label": "Compared with the time before" }, make("h2", { text: "Compared with the time before" }),
        make("p", { class: "soft", text: `The same length of time, right before: ${amount(seconds.before)}, ${percent(covered.before)} covered; now ${amount(seconds.now)}, ${percent(covered.now)} covered.${comparable ? "" : " Less than 60 % of one of them was covered, or it is much shorter than the other: no difference is given."}` }),
        make("div", { class: "scroll-x", role: "region", tabindex: "0", "aria-label": "Now and before, table" }, make("table", { class: "compared" }, make("thead", {}, make("tr", {}, ...["Expression", "Now", "Before", "Change"].map((name) => make("th", { scope: "col", text: name })))), make("tbody", {}, ...ORDER.map(row)))));
    };

    const week = () => {
      if (told.heat_trouble) return make("section", { class: "panel" }, make("h2", { text: "Hours of the week" }), make("p", { class: "soft", text: told.heat_trouble }));
      const cells = new Map(told.heat.map((one) => [one.weekday * 24 + one.hour, one]));
      const total = (one) => Object.values(one.person_s).reduce((sum, value) => sum + value, 0);
      const value = (one) => {
        if (measure === "person") return total(one) / Math.max(one.analyzed_s / 3600, 1e-9) / 3600;
        return total(one) >= LITTLE_S ? one.person_s[measure] / total(one) : null;
      };
      const values = told.heat.map(value).filter((one) => one !== null).sort((a, b) => a - b);
      const top = values.length ? Math.max(values[Math.min(Math.floor(values.length * 0.98), values.length - 1)], 1e-9) : 1;
      const words = (one) => (measure === "person" ? `${tenths(one)} people in view` : percent(one));
      const cell = (day, hour) => {
        const one = cells.get(day * 24 + hour);
        const when = `${DAYS[day]} ${String(hour).padStart(2, "0")}:00`;
        const found = one ? value(one) : null;
        if (found === null) return make("td", { class: one ? "heat little" : "heat missing", title: `${when}: ${one ? "too few seen" : "no coverage"}` }, make("span", { class: "unseen", text: one ? "too few" : "no coverage" }));
        const node = make("td", { class: "heat", title: `${when}: ${words(found)}, ${tenths(one.analyzed_s / 3600)} h analysed` }, make("span", { class: "unseen", text: words(found) }));
        node.style.setProperty("--heat", `${Math.round(8 + 92 * Math.min(found / top, 1))}%`);
        return node;
      };
      const best = told.heat.filter((one) => value(one) !== null).sort((a, b) => value(b) - value(a))[0];
      const select = make("select", { id: "heat-measure", onchange: () => { measure = select.value; draw(); } },
        make("option", { value: "person", text: "People in view" }), ...ORDER.map((label) => make("option", { value: label, text: `Share ${label}` })));
      select.value = measure;
      return make("section", { class: "panel", "aria-label": "Hours of the week" }, make("div", { class: "toolbar heat-head" }, make("h2", { text: "Hours of the week" }),
        make("div", { class: "field inline last" }, make("label", { for: "heat-measure", text: "Show" }), select)),
      make("p", { class: "soft", text: best ? `Most on ${DAYS[best.weekday]} at ${String(best.hour).padStart(2, "0")}:00: ${words(value(best))}. All sources and weeks of the range together, your clock; the darkest is the top of 98 % of the hours.` : "Nobody was seen." }),
      make("div", { class: "scroll-x", role: "region", tabindex: "0", "aria-label": "Hours of the week, table" }, make("table", { class: "heat-map" },
        make("thead", {}, make("tr", {}, make("td"), ...Array.from({ length: 24 }, (_, hour) => make("th", { scope: "col" }, make("span", { class: hour % 3 ? "unseen" : "", text: String(hour) }))))),
        make("tbody", {}, ...DAYS.map((name, day) => make("tr", {}, make("th", { scope: "row", text: SHORT_DAYS[day], "aria-label": name }), ...Array.from({ length: 24 }, (_, hour) => cell(day, hour))))))),
      make("p", { class: "help" }, make("span", { class: "swatch swatch-missing heat-key", "aria-hidden": "true" }), " no coverage; dotted: less than a person-minute, which says nothing about shares."));
    };

    const momentsPanel = () => {
      const at = (seconds) => new Date(seconds * 1000).toLocaleString(navigator.language, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
      return make("section", { class: "panel", "aria-label": "Moments" }, make("h2", { text: "Moments" }),
        make("p", { class: "soft", text: "Where expressions changed most from one step to the next. Choose one to look closer." }),
        told.moments.length ? make("ol", { class: "moments" }, ...told.moments.map((one, index) => make("li", {}, make("button", { type: "button", id: `moment-${index}`, onclick: () => {
          const step = told.step_s * 1000;
          go({ zoom: interval(one.at * 1000 - 6 * step, Math.min(one.at * 1000 + 6 * step, Date.now())) });
          window.scrollTo({ top: 0 });
        } }, make("span", { class: `swatch swatch-${one.label}`, "aria-hidden": "true" }),
        make("span", {}, make("strong", { text: at(one.at) }), make("br"), `${one.source}: ${one.label} ${percent(one.before)} to ${percent(one.now)}`)))))
          : make("p", { class: "soft", text: "No share moved by 5 points or more between two steps that were seen well enough to compare." }));
    };

    const onView = (event) => look(event.detail || location.search);
    window.addEventListener("moodline-view", onView);
    return () => { ended = true; endList(); clearTimeout(zooming); drawn.disconnect(); window.removeEventListener("moodline-view", onView); };
  });
})();
