// @ts-check
/* The page Wall: all live sources on one screen, without controls, for days. */
import { base } from "../kit/api.js";
import { setProps } from "../kit/dash.js";
import { byId, setText } from "../kit/dom.js";
import { ZONE, localTime, timeNow } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { isDown } from "../kit/live_states.js";
import { followEvents } from "../now/event_stream.js";
import { gridFor } from "./grid.js";
import { keepScreenOn, reloadIfOutdated } from "./screen.js";
import { WallTile } from "./wall_tile.js";

const TICK_MS = 1000;
/* How long each part of too many tiles is shown. */
const PART_S = 15;
const IDLE_S = 3;

class Wall {
  /** @type {Map<string, WallTile>} */
  tiles = new Map();
  #place = byId("wall-tiles");
  #message = byId("wall-message");
  #pictures = byId("wall").dataset.pictures ?? "off";
  #tag = new URLSearchParams(location.search).get("tag");
  #part = 0;
  #parts = 1;
  #seconds = 0;

  /** @param {string} text Why the wall is not current; "" if it is. */
  say(text) {
    setText(this.#message, text);
    this.#message.hidden = !text;
  }

  /** @param {boolean} isStale */
  markStale(isStale) {
    this.#place.classList.toggle("is-stale", isStale);
  }

  /** @param {string[]} names */
  setNames(names) {
    const before = this.tiles;
    const tile = (/** @type {string} */ name) =>
      before.get(name) ?? new WallTile(name, this.#pictures);
    const sorted = [...names].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    this.tiles = new Map(sorted.map((name) => [name, tile(name)]));
    this.draw();
  }

  /** Arrange the tiles of this part, as large as they can be. */
  draw() {
    const wanted = this.#wanted();
    const { clientWidth, clientHeight } = this.#place;
    const { columns, rows, parts } = gridFor(wanted.length, clientWidth, clientHeight);
    this.#parts = parts;
    this.#part %= parts;
    const shown = wanted.slice(this.#part * columns * rows, (this.#part + 1) * columns * rows);
    this.#place.style.gridTemplate = `repeat(${rows}, minmax(0, 1fr)) / repeat(${columns}, minmax(0, 1fr))`;
    const nodes = shown.map(({ node }) => node);
    const isSame =
      nodes.length === this.#place.children.length &&
      nodes.every((node, index) => this.#place.children[index] === node);
    if (!isSame) this.#place.replaceChildren(...nodes);
    this.#drawFoot(wanted);
  }

  /** Once a second: the clock, and the next part when it is time. */
  tick() {
    this.#seconds += 1;
    if (this.#parts > 1 && this.#seconds % PART_S === 0) {
      this.#part += 1;
      this.draw();
    }
    const now = Date.now() / 1000;
    const date = localTime(now, { weekday: "short", day: "numeric", month: "short" });
    setText(byId("wall-clock"), `${date} ${timeNow()} · ${ZONE}`);
  }

  /** Whoever signed out must leave no pictures behind. */
  forgetPictures() {
    for (const tile of this.tiles.values()) tile.forgetPicture();
  }

  #wanted() {
    return [...this.tiles.values()].filter(
      ({ source }) => !this.#tag || source?.tags.includes(this.#tag),
    );
  }

  /** @param {WallTile[]} wanted */
  #drawFoot(wanted) {
    const sources = wanted.flatMap(({ source }) => source ?? []);
    const live = sources.filter(({ state }) => state === "streaming");
    const down = sources.filter(({ state }) => isDown(state));
    const analysed = live.filter(({ readings }) => readings !== null);
    const faces = analysed.reduce((sum, { readings }) => sum + (readings?.length ?? 0), 0);
    const facts = [
      this.#tag ?? "",
      n_("{count} source", "{count} sources", wanted.length),
      live.length ? _("{count} live", { count: live.length }) : "",
      down.length ? _("{count} offline", { count: down.length }) : "",
      analysed.length ? n_("{count} face in view", "{count} faces in view", faces) : "",
    ];
    setText(byId("wall-summary"), facts.filter(Boolean).join(" · "));
    const part = { part: this.#part + 1, parts: this.#parts };
    setText(byId("wall-part"), this.#parts > 1 ? _("{part} of {parts}", part) : "");
  }
}

/** @param {Lifetime} lifetime */
function hideIdlePointer(lifetime) {
  let moved = Date.now();
  const show = (/** @type {boolean} */ isMoving) =>
    byId("wall").classList.toggle("is-idle", !isMoving);
  lifetime.listen(window, "pointermove", () => {
    moved = Date.now();
    show(true);
  });
  return () => show(Date.now() - moved < IDLE_S * 1000);
}

definePage("wall", () => {
  const lifetime = new Lifetime();
  const wall = new Wall();
  const checkPointer = hideIdlePointer(lifetime);
  let serverProblem = "";
  let isSignedOut = false;

  const tick = () => {
    wall.tick();
    checkPointer();
    if (isSignedOut || !document.getElementById("signed-out")) return;
    isSignedOut = true;
    wall.forgetPictures();
    wall.say(
      _("Signed out at {time}. Sign in again in this browser: the wall goes on by itself.", {
        time: timeNow(),
      }),
    );
  };

  followEvents(lifetime, {
    events: {
      clock: () => reloadIfOutdated(),
      all: (/** @type {{ names: string[], trouble: string }} */ { names, trouble }) => {
        serverProblem = trouble;
        wall.say(trouble || (names.length ? "" : _("There is no live source yet.")));
        wall.setNames(names);
      },
      tile: (source) => {
        wall.tiles.get(source.name)?.update(source);
        wall.draw();
      },
      picture: ({ name, jpeg }) => wall.tiles.get(name)?.showPicture(jpeg),
    },
    onLost: (message) => {
      wall.markStale(true);
      if (!isSignedOut) wall.say(message);
    },
    onBack: () => {
      if (isSignedOut) location.reload(); // Signed in again: the page says so nowhere else.
      wall.markStale(false);
      wall.say(serverProblem);
    },
  });
  lifetime.listen(document, "keydown", ({ key }) => {
    if (key === "Escape") setProps("location", { pathname: `${base()}now`, search: "" });
  });
  lifetime.onEnd(() => document.fullscreenElement && document.exitFullscreen());
  keepScreenOn(lifetime);
  lifetime.listen(window, "resize", () => wall.draw());
  const observed = new ResizeObserver(() => wall.draw());
  observed.observe(byId("wall-tiles"));
  lifetime.onEnd(() => observed.disconnect());
  tick();
  const ticks = setInterval(tick, TICK_MS);
  lifetime.onEnd(() => clearInterval(ticks));
  return () => lifetime.end();
});
