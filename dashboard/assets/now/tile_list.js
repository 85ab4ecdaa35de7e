// @ts-check
/* The tiles of all live sources: sorted, filtered by tag, and summed up in a sentence. */
import { base } from "../kit/api.js";
import { setProps } from "../kit/dash.js";
import { arrange, make } from "../kit/dom.js";
import { timeOfDay } from "../kit/format.js";
import { inlineField, quietButton } from "../kit/forms.js";
import { _, clauses, n_ } from "../kit/language.js";
import { isDown } from "../kit/live_states.js";
import { Tile, facesInView } from "./tile.js";

/** @typedef {import("./tile.js").SourceNow} SourceNow */

/** @type {Record<string, string>} By value of config.live_view. */
const PICTURE_NOTES = {
  off: _("Pictures are off (MOODLINE_LIVE_VIEW)."),
  clear: _("Faces are visible: MOODLINE_LIVE_VIEW is clear. No picture is stored."),
  blurred: _("Faces are blurred. No picture is stored."),
};

/**
 * Show the sources with a tag, or all, on the whole screen. Only a click may ask for that.
 * @param {string} tag
 */
function openWall(tag) {
  document.documentElement.requestFullscreen?.().catch(() => undefined);
  const search = tag ? `?tag=${encodeURIComponent(tag)}` : "";
  setProps("location", { pathname: `${base()}wall`, search });
}

export class TileList {
  /** @type {Map<string, Tile>} */
  tiles = new Map();
  #place;
  #pictures;
  #sort = make(
    "select",
    { id: "now-sort", onchange: () => this.draw() },
    make("option", { value: "trouble", text: _("Problems first") }),
    make("option", { value: "people", text: _("Most faces first") }),
    make("option", { value: "name", text: _("Name") }),
  );
  #tag = make(
    "select",
    { id: "now-group", onchange: () => this.draw() },
    make("option", { value: "", text: _("All") }),
  );
  #tagField = inlineField(_("Tag"), this.#tag);
  #zones = make("input", {
    id: "now-zones",
    type: "checkbox",
    onchange: () => this.#place.classList.toggle("shows-zones", this.#zones.checked),
  });
  #zonesField = inlineField(_("Zones"), this.#zones);

  /**
   * @param {HTMLElement} place Of the tiles.
   * @param {HTMLElement} tools Of the controls.
   * @param {string} pictures How faces are shown: off, blurred or clear.
   */
  constructor(place, tools, pictures) {
    this.#place = place;
    this.#pictures = pictures;
    tools.replaceChildren(
      inlineField(_("Sort"), this.#sort),
      this.#tagField,
      this.#zonesField,
      quietButton(_("Wall"), () => openWall(this.#tag.value), {
        title: _("All live sources on the whole screen; Escape leads back"),
      }),
      make("p", { class: "soft last", text: PICTURE_NOTES[pictures] }),
    );
  }

  /**
   * Have a tile for each of these sources.
   * @param {string[]} names
   */
  setNames(names) {
    const before = this.tiles;
    this.tiles = new Map(
      names.map((name) => [name, before.get(name) ?? new Tile(name, this.#pictures)]),
    );
    this.draw();
  }

  /** Draw the tiles in order, without those that the tag leaves out. */
  draw() {
    this.#listTags();
    this.#zonesField.hidden = ![...this.tiles.values()].some((tile) => tile.source?.zones.length);
    const ordered = [...this.tiles].sort(
      ([nameA, a], [nameB, b]) => this.#rank(a) - this.#rank(b) || nameA.localeCompare(nameB),
    );
    arrange(
      this.#place,
      ordered.map(([, tile]) => tile.node),
    );
    for (const tile of this.tiles.values()) {
      tile.node.hidden = Boolean(this.#tag.value) && !tile.source?.tags.includes(this.#tag.value);
    }
  }

  /** A sentence on all sources; "" until all are known. */
  summary() {
    if (!this.tiles.size) return _("No live source yet.");
    const sources = [...this.tiles.values()].flatMap((tile) => tile.source ?? []);
    if (sources.length < this.tiles.size) return "";
    const count = (/** @type {string} */ state) =>
      sources.filter((source) => source.state === state).length;
    const [unanalysed, connecting, paused] = ["unanalyzed", "connecting", "paused"].map(count);
    const states = clauses([
      liveText(sources.filter((source) => source.state === "streaming")),
      unanalysed ? n_("{count} not analysed", "{count} not analysed", unanalysed) : "",
      offlineText(sources.filter(({ state }) => isDown(state) && state !== "unanalyzed")),
      connecting ? n_("{count} connecting", "{count} connecting", connecting) : "",
      paused ? n_("{count} paused", "{count} paused", paused) : "",
    ]);
    return n_("{count} source: {states}.", "{count} sources: {states}.", sources.length, {
      states,
    });
  }

  /** @param {Tile} tile */
  #rank({ source }) {
    if (this.#sort.value === "name") return 0;
    if (!source) return 9;
    if (this.#sort.value === "people") return -(source.readings?.length ?? 0);
    if (isDown(source.state)) return 0;
    return source.state === "connecting" ? 1 : 2;
  }

  #listTags() {
    const all = [...this.tiles.values()].flatMap((tile) => tile.source?.tags ?? []);
    const tags = [...new Set(all)].sort();
    this.#tagField.hidden = !tags.length;
    const before = [...this.#tag.options].slice(1).map((option) => option.value);
    if (tags.join("\n") === before.join("\n")) return;
    const chosen = tags.includes(this.#tag.value) ? this.#tag.value : "";
    const options = tags.map((tag) => make("option", { value: tag, text: tag }));
    this.#tag.replaceChildren(make("option", { value: "", text: _("All") }), ...options);
    this.#tag.value = chosen;
  }
}

/**
 * How many are live, and the faces in view. Nobody in view is only said of pictures that were
 * analysed.
 * @param {SourceNow[]} live
 */
function liveText(live) {
  if (!live.length) return "";
  const readings = live.flatMap((source) => source.readings ?? []);
  const isAnalysed = live.some((source) => source.readings !== null);
  if (!isAnalysed) return n_("{count} live", "{count} live", live.length);
  const faces = facesInView(readings.length);
  return n_("{count} live, {faces}", "{count} live, {faces}", live.length, { faces });
}

/** @param {SourceNow[]} offline */
function offlineText(offline) {
  if (!offline.length) return "";
  if (offline.length > 1) return n_("{count} offline", "{count} offline", offline.length);
  const [{ name, since }] = offline;
  if (!since) return _("{name} is offline", { name });
  return _("{name} is offline since {time}", { name, time: timeOfDay(since) });
}
