// @ts-check
/* The page Now: tiles that follow the server's events. */
import { known } from "../kit/core_messages.js";
import { byId, setText } from "../kit/dom.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { showLastDay } from "./day_chart.js";
import { followEvents } from "./event_stream.js";
import { firstStart } from "./first_start.js";
import { TileList } from "./tile_list.js";

const AGE_MS = 1000;

definePage("now", () => {
  const { operator, pictures = "off" } = byId("now").dataset;
  const [place, summary, problem, tools, welcome] = [
    byId("now-tiles"),
    byId("now-summary"),
    byId("now-link"),
    byId("now-tools"),
    byId("now-welcome"),
  ];
  const lifetime = new Lifetime();
  const list = new TileList(place, tools, pictures);
  let serverAheadS = 0;
  let serverProblem = "";
  const now = () => Date.now() / 1000 + serverAheadS;
  const showProblem = (/** @type {string} */ message) => setText(problem, message);
  const summarize = () => setText(summary, list.summary() || (summary.textContent ?? ""));

  const onNames = (/** @type {{ names: string[], trouble: string }} */ { names, trouble }) => {
    serverProblem = known(trouble);
    showProblem(serverProblem);
    list.setNames(names);
    summarize();
    tools.hidden = !names.length;
    welcome.hidden = names.length > 0;
    if (!names.length && !welcome.childElementCount) {
      welcome.replaceChildren(...firstStart(Boolean(operator), showProblem));
    }
  };

  followEvents(lifetime, {
    events: {
      clock: (serverNow) => {
        serverAheadS = serverNow - Date.now() / 1000;
      },
      all: onNames,
      tile: (source) => {
        list.tiles.get(source.name)?.update(source, now());
        list.draw();
        summarize();
      },
      picture: ({ name, jpeg }) => list.tiles.get(name)?.showPicture(jpeg),
    },
    onLost: (message) => {
      place.classList.add("is-stale");
      showProblem(message);
    },
    onBack: () => {
      place.classList.remove("is-stale");
      showProblem(serverProblem);
    },
  });
  showLastDay(lifetime, byId("now-day"));
  const ages = setInterval(() => list.tiles.forEach((tile) => tile.drawAge(now())), AGE_MS);
  lifetime.onEnd(() => clearInterval(ages));
  return () => lifetime.end();
});
