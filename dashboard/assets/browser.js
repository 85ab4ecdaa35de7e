/* Charts write dates and numbers as the viewer's language does: Plotly takes this when it comes. */
window.PlotlyLocales = [(() => {
  const names = (count, options, at) => Array.from({ length: count }, (_, one) =>
    new Intl.DateTimeFormat(navigator.language, { ...options, timeZone: "UTC" }).format(at(one)));
  const day = (one) => new Date(Date.UTC(2023, 0, 1 + one)); // A Sunday, as Plotly begins.
  const month = (one) => new Date(Date.UTC(2023, one, 1));
  return { moduleType: "locale", name: "viewer", dictionary: {}, format: {
    days: names(7, { weekday: "long" }, day), shortDays: names(7, { weekday: "short" }, day),
    months: names(12, { month: "long" }, month), shortMonths: names(12, { month: "short" }, month),
    date: "%Y-%m-%d", periods: ["AM", "PM"],
  } };
})()];

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  moodline: {
    /* What the server cannot know: the viewer's time zone, language, theme and room, and if a finger points. */
    browser: function () {
      const dark = window.matchMedia("(prefers-color-scheme: dark)");
      const touch = window.matchMedia("(pointer: coarse)");
      const narrow = window.matchMedia("(max-width: 640px)");
      const now = () => ({
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
        locale: navigator.language || "",
        dark: dark.matches,
        touch: touch.matches,
        narrow: narrow.matches,
      });
      for (const query of [dark, touch, narrow]) {
        query.onchange = () => window.dash_clientside.set_props("browser", { data: now() });
      }
      return now();
    },
    /* What stands below the charts is asked for by trends.js, whenever they change. */
    extras: function (search) {
      window.dispatchEvent(new CustomEvent("moodline-view", { detail: search || "" }));
      return window.dash_clientside.no_update;
    },
    /* What can be chosen from, and what is: trends_sources.js shows it. */
    offered: function (offered) {
      window.dispatchEvent(new CustomEvent("moodline-offered", { detail: offered }));
    },
    /* A summary's clicks open and close its table; of a closed one nothing is asked. */
    wanted: function (clicks, turn) {
      return clicks % 2 ? [clicks, turn] : window.dash_clientside.no_update;
    },
  },
});
