// @ts-check
/* The tile of one live source: its state, its newest picture, and the tracks in view. */
import { known } from "../kit/core_messages.js";
import { make, setText } from "../kit/dom.js";
import { shortDuration, timeOfDay } from "../kit/format.js";
import { LOCALE, _, n_ } from "../kit/language.js";
import { sourceLink } from "../kit/links.js";
import { isDown, sentence, stateBadge, stateKind, stateText } from "../kit/live_states.js";
import { zoneLayer } from "../kit/zones.js";
import { TrackRows } from "./track_rows.js";

/** @typedef {import("./track_rows.js").Reading} Reading */

/**
 * @typedef {object} SourceNow
 * @property {string} name
 * @property {string} state
 * @property {string} reason
 * @property {string | null} since ISO 8601.
 * @property {string[]} tags
 * @property {number} fps
 * @property {number | null} behind_s From capture to here.
 * @property {number | null} captured_at Of the newest frame, seconds since 1970.
 * @property {Reading[] | null} readings Null without a recent frame.
 * @property {import("../kit/zones.js").Zone[]} zones
 * @property {number} stills Still faces in the newest frame, which do not count.
 */

const FRAME_RATE = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 });

/** The number of tiles so far. */
let count = 0;

/** A tile. Its elements stay, so that focus and open bars outlive each event. */
export class Tile {
  /** @type {SourceNow | null} */
  source = null;
  #pictures;
  #number = (count += 1);
  #state = stateBadge("warn", "");
  #reason = make("p", { class: "why" });
  #image = make("img", { alt: "", hidden: true, onload: () => this.#drawZones() });
  #zones = make("div", { class: "tile-zones" });
  #drawnZones = "";
  #noPicture = make("p", { class: "blank" });
  #tracks = new TrackRows();
  #stills = make("p", { class: "soft tile-stills", hidden: true });
  #facts = make("p", { class: "tile-facts" });
  #announcement = make("span", { class: "unseen", role: "status" });

  /**
   * @param {string} name
   * @param {string} pictures How faces are shown: off, blurred or clear.
   * @param {{ isAlone?: boolean }} [options] isAlone: it is on the page of its source.
   */
  constructor(name, pictures, { isAlone = false } = {}) {
    this.#pictures = pictures;
    this.node = make(
      "article",
      { class: "tile panel", "aria-label": name },
      make("header", {}, make("h2", {}, isAlone ? _("Now") : sourceLink(name)), this.#state),
      this.#reason,
      make(
        "div",
        { class: "picture" },
        this.#image,
        this.#zones,
        this.#noPicture,
        isAlone ? null : pictureLink(name),
      ),
      this.#tracks.node,
      this.#stills,
      this.#facts,
      this.#announcement,
    );
  }

  /**
   * @param {SourceNow} source
   * @param {number} now Seconds since 1970.
   */
  update(source, now) {
    this.#coverOldPicture(source);
    this.source = source;
    this.#drawState(source);
    this.#drawPictureText(source);
    this.#drawZones();
    this.#tracks.update(source.readings);
    this.#stills.hidden = !source.stills;
    setText(
      this.#stills,
      n_(
        "{count} still face left out: a picture, or somebody motionless.",
        "{count} still faces left out: a picture, or somebody motionless.",
        source.stills,
      ),
    );
    this.drawAge(now);
  }

  /** @param {string} jpeg Base64. */
  showPicture(jpeg) {
    this.#image.src = `data:image/jpeg;base64,${jpeg}`;
    this.#image.hidden = false;
    this.#noPicture.hidden = true;
  }

  /**
   * Draw the frame rate, the lag, and the age of the newest frame.
   * @param {number} now Seconds since 1970.
   */
  drawAge(now) {
    if (!this.source) return;
    const { state, fps, behind_s: lag, captured_at: capturedAt } = this.source;
    const parts = [];
    if (state === "streaming") {
      parts.push(_("{rate} fps", { rate: FRAME_RATE.format(fps) }));
      if (lag !== null) parts.push(_("lag {duration}", { duration: shortDuration(lag) }));
    }
    if (capturedAt) {
      parts.push(_("last frame {duration} ago", { duration: shortDuration(now - capturedAt) }));
    }
    setText(this.#facts, parts.join(" · "));
  }

  /** @param {SourceNow} source */
  #drawState({ name, state, reason, since }) {
    const text = stateText(state);
    const before = this.#state.textContent;
    const isLive = state === "streaming";
    this.#state.className = `state state-${stateKind(state)}`;
    this.#state.textContent = text;
    this.node.classList.toggle("is-down", isDown(state));
    this.node.classList.toggle("is-live", isLive);
    this.#reason.hidden = isLive;
    this.#reason.textContent = isLive
      ? ""
      : [sentence(known(reason)), since ? stateSince(text, timeOfDay(since)) : ""].join(" ").trim();
    if (before && before !== text) {
      setText(this.#announcement, `${name}: ${text}. ${isLive ? "" : known(reason)}`);
    }
  }

  /**
   * Take the picture away if the privacy masks have changed since: it shows what they cover.
   * @param {SourceNow} source
   */
  #coverOldPicture({ zones }) {
    if (!this.source || masksOf(this.source.zones) === masksOf(zones)) return;
    this.#image.hidden = true;
    this.#image.removeAttribute("src");
  }

  /** Draw the outlines of the zones over the picture, if they or its size changed. */
  #drawZones() {
    const { naturalWidth: width, naturalHeight: height } = this.#image;
    const zones = this.source?.zones ?? [];
    const wanted = zones.length && width ? JSON.stringify([zones, width, height]) : "";
    if (wanted === this.#drawnZones) return;
    this.#drawnZones = wanted;
    this.#zones.replaceChildren(
      ...(wanted ? [zoneLayer(zones, width, height, `tile-${this.#number}`)] : []),
    );
  }

  /** @param {SourceNow} source */
  #drawPictureText({ name, state, readings }) {
    const faces = readings ? facesInView(readings.length) : _("not current");
    this.#image.alt =
      this.#pictures === "blurred"
        ? _("Newest picture of {name}, faces blurred: {faces}", { name, faces })
        : _("Newest picture of {name}: {faces}", { name, faces });
    this.#noPicture.textContent = this.#noPictureText(state, readings !== null);
    this.#noPicture.hidden = !this.#image.hidden;
  }

  /**
   * @param {string} state
   * @param {boolean} hasFrame
   */
  #noPictureText(state, hasFrame) {
    if (state === "paused") return _("Paused: the source is not read.");
    if (state !== "streaming") return _("No picture.");
    if (this.#pictures === "off") return _("Pictures are off.");
    return hasFrame ? "" : _("Waiting for the first picture.");
  }
}

/**
 * The picture leads where the name above it does: one of both is enough for Tab.
 * @param {string} name
 */
const pictureLink = (name) =>
  sourceLink(name, { text: "", class: "picture-link", tabindex: "-1", "aria-hidden": "true" });

/** @param {import("../kit/zones.js").Zone[]} zones */
const masksOf = (zones) =>
  JSON.stringify(zones.filter(({ kind }) => kind === "mask").map(({ points }) => points));

/** @param {number} count */
export const facesInView = (count) =>
  count ? n_("{count} face in view", "{count} faces in view", count) : _("no face in view");

/**
 * @param {string} state
 * @param {string} time
 */
const stateSince = (state, time) => _("{state} since {time}.", { state, time });
