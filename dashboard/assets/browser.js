window.dash_clientside = Object.assign({}, window.dash_clientside, {
  moodline: {
    /* What the server cannot know: the viewer's time zone, theme and room, and if a finger points. */
    browser: function () {
      const dark = window.matchMedia("(prefers-color-scheme: dark)");
      const touch = window.matchMedia("(pointer: coarse)");
      const narrow = window.matchMedia("(max-width: 640px)");
      const now = () => ({
        zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
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
    /* A summary's clicks open and close its table; of a closed one nothing is asked. */
    wanted: function (clicks, turn) {
      return clicks % 2 ? [clicks, turn] : window.dash_clientside.no_update;
    },
  },
});
