// @ts-check
/* One run: its player, its tracks over time and its moments. */
import { base, messageOf, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { MODEL_ORDER, frameBars, labelName, swatch } from "../kit/expressions.js";
import { percent, position } from "../kit/format.js";
import { _, n_, pair, parts } from "../kit/language.js";
import { sourceLink } from "../kit/links.js";
import { Lifetime } from "../kit/lifetime.js";
import { zonesText } from "../kit/zones.js";
import { AnnotatedVideo } from "./annotated_video.js";
import { Faces, ROUNDING_S, STILL } from "./faces.js";
import { poseText } from "./head_pose.js";
import { Lanes } from "./lanes.js";
import { Player } from "./player.js";
import { RecordedTime } from "./recorded_time.js";
import { RunMoments } from "./run_moments.js";

/**
 * @typedef {object} RunDetails
 * @property {{ source: string, state: string, error: string, tracks: number,
 *   recorded_at: number | null, recorded_text: string, model_version: string,
 *   copy_of: string | null, copy_of_source: string | null,
 *   coverage: { analyzed_s: number }, zones: import("../kit/zones.js").Zone[] }} summary
 * @property {number} span_s
 * @property {string} headline
 * @property {import("./player.js").Media} media What may be played of the recording.
 * @property {string} annotated State of the annotated video.
 * @property {import("./lanes.js").Lane[]} lanes
 * @property {import("./lane_canvas.js").Bucket[]} buckets
 * @property {import("./run_moments.js").Moment[]} moments
 * @property {import("./player.js").Turn} turn
 * @property {number} left_out
 * @property {number} step_s
 * @property {boolean} may_change Whether the viewer may set its time.
 */

/** @type {Record<string, string>} */
const STATES = {
  queued: _("Waiting to be analysed"),
  running: _("Being analysed"),
  failed: _("Failed"),
  cancelled: _("Cancelled"),
};
const MAX_FACES_SHOWN = 4;
const REFRESH_MS = 3000;

/**
 * Show a run, and keep it up to date while it is analysed.
 * @param {HTMLElement} root
 * @param {string} run
 * @returns {() => void}
 */
export function showRun(root, run) {
  const lifetime = new Lifetime();
  const path = `recordings/run/${encodeURIComponent(run)}`;
  /** @type {RunView | null} */
  let view = null;

  const update = async (once = false) => {
    let isGrowing = view !== null;
    try {
      const details = /** @type {RunDetails} */ (await request(path));
      if (lifetime.ended) return;
      const isFirst = view === null;
      view ??= new RunView(root, path, details, lifetime, () => update(true));
      view.update(details);
      if (isFirst) view.seek(Number(new URLSearchParams(location.search).get("t")) || 0);
      isGrowing = ["queued", "running"].includes(details.summary.state);
    } catch (error) {
      if (lifetime.ended) return;
      if (!view) {
        const line = make("div", { class: "trouble", role: "alert", text: messageOf(error) });
        root.replaceChildren(line, linkToAll());
      }
    }
    if (isGrowing && !once) lifetime.after(update, REFRESH_MS);
  };

  root.replaceChildren(make("p", { class: "soft", text: _("Loading the run …") }));
  update();
  return () => lifetime.end();
}

/** The page of a run. It is built once, and updated as the run grows. */
class RunView {
  #facts = make("p", { class: "soft run-facts" });
  #headline = make("p", { class: "lead" });
  #facesInView = make("div", { class: "now-faces" });
  #player;
  #faces;
  #lanes;
  #moments;
  #recorded;

  /**
   * @param {HTMLElement} root
   * @param {string} path Of the run's routes.
   * @param {RunDetails} details
   * @param {Lifetime} lifetime
   * @param {() => void} reload Read the run once more.
   */
  constructor(root, path, { summary, media, annotated, turn, may_change }, lifetime, reload) {
    const isOperator = Boolean(root.dataset.operator);
    const url = (/** @type {string} */ file) => `${base()}api/${path}/${file}`;
    const isDrawable = media === "whole" || media === "masked";
    const video = new AnnotatedVideo(root, { path, url: url("annotated"), isDrawable }, lifetime);
    const seek = (/** @type {number} */ seconds) => this.#player.seek(seconds);
    this.#player = new Player(lifetime, {
      name: summary.source,
      url: url(media === "masked" ? "annotated" : "media"),
      media: media === "masked" && annotated === "done" ? "copy" : media,
      turn,
      isOperator,
    });
    this.#faces = new Faces(path, lifetime, () => this.#drawFaces());
    this.#lanes = new Lanes(lifetime, seek);
    this.#moments = new RunMoments(seek);
    this.#player.onChange = () => this.#follow();
    this.#player.nextFrame = (seconds, direction) => this.#faces.timeAfter(seconds, direction);
    this.#recorded = new RecordedTime(path, may_change, reload);
    if (isOperator) video.draw(annotated);
    root.replaceChildren(
      linkToAll(),
      make("h2", { class: "run-name" }, sourceLink(summary.source)),
      this.#facts,
      copyNote(summary),
      this.#recorded.node,
      this.#headline,
      make(
        "div",
        { class: "toolbar" },
        make("a", { class: "button quiet", href: url("csv"), text: _("Records (CSV)") }),
        root.dataset.parquet
          ? make("a", { class: "button quiet", href: url("parquet"), text: _("Records (Parquet)") })
          : null,
        make("a", { class: "button quiet", href: url("provenance"), text: _("Provenance (JSON)") }),
        make("a", { class: "button quiet", href: url("summary"), text: _("Summary (HTML)") }),
        video.node,
      ),
      make(
        "div",
        { class: this.#player.hasVideo ? "player-columns" : "player-columns alone" },
        this.#player.node,
        make("div", { class: "panel side" }, this.#facesInView),
      ),
      this.#lanes.node,
      this.#moments.node,
    );
  }

  /** @param {RunDetails} details */
  update(details) {
    const { summary, span_s: length, headline, moments } = details;
    const spanS = Math.max(length, ROUNDING_S);
    this.#facts.textContent = [
      stateText(summary),
      position(spanS),
      _("{share} analysed", { share: percent(Math.min(summary.coverage.analyzed_s / spanS, 1)) }),
      n_("{count} track", "{count} tracks", summary.tracks),
      summary.model_version,
      zonesText(summary.zones, null).replace(/\.$/, ""),
    ]
      .filter(Boolean)
      .join(" · ");
    this.#recorded.update(summary, spanS);
    this.#headline.textContent = known(headline);
    this.#faces.refresh(spanS);
    this.#moments.update(moments);
    this.#lanes.update(details, spanS);
    this.#player.setSpan(spanS);
  }

  /** @param {number} seconds Where to begin, as in the address: ?t=12.5. */
  seek(seconds) {
    if (seconds > 0) this.#player.seek(seconds);
  }

  #follow() {
    const { positionS, spanS } = this.#player;
    this.#lanes.setPlayhead(positionS / spanS);
    this.#moments.highlight(positionS);
    this.#drawFaces();
  }

  #drawFaces() {
    const { positionS, frameTimeS } = this.#player;
    const frame = this.#faces.frameAt(frameTimeS ?? positionS, frameTimeS !== null);
    const faces = frame?.[1] ?? [];
    const more = faces.length - MAX_FACES_SHOWN;
    this.#player.showFaces(faces);
    this.#facesInView.replaceChildren(...faces.slice(0, MAX_FACES_SHOWN).map(facePanel));
    if (!faces.length) this.#facesInView.append(note(emptyText(frame)));
    if (more > 0) {
      this.#facesInView.append(note(n_("{count} more in view", "{count} more in view", more)));
    }
  }
}

/** @param {RunDetails["summary"]} summary */
const copyNote = ({ copy_of: run, copy_of_source: source }) =>
  run
    ? make(
        "p",
        { class: "soft" },
        ...parts(
          "A copy of {source}: the content is the same, so it was analysed once. It counts at " +
            "its own source and time.",
          { source: make("a", { href: `${base()}recordings/${run}`, text: source }) },
        ),
      )
    : "";

const linkToAll = () =>
  make("p", {}, make("a", { href: `${base()}recordings`, text: _("All recordings") }));

/** @param {string} text */
const note = (text) => make("p", { class: "soft", text });

/** @param {import("./faces.js").Frame | null | undefined} frame */
function emptyText(frame) {
  if (frame === undefined) return _("Loading the faces …");
  return frame
    ? _("No face in view at this position.")
    : _("No frame was analysed at this position.");
}

/** @param {RunDetails["summary"]} summary */
function stateText({ state, error }) {
  const text = STATES[state];
  return text && error ? pair(text, known(error)) : text;
}

/** @param {import("./faces.js").Face} face */
function facePanel([track, , , , , label, confidence, probabilities, mark, pose]) {
  const trackName = _("Track {track}", { track });
  if (mark) {
    return make(
      "section",
      { class: "now-face", "aria-label": trackName },
      make("h3", {}, swatch("uncertain"), make("span", { text: pair(trackName, STILL) })),
    );
  }
  const text =
    label === "uncertain" ? labelName(label) : `${labelName(label)} ${percent(confidence)}`;
  const shares = Object.fromEntries(MODEL_ORDER.map((name, index) => [name, probabilities[index]]));
  return make(
    "section",
    { class: "now-face", "aria-label": trackName },
    make("h3", {}, swatch(label), make("span", { text: pair(trackName, text) })),
    pose ? make("p", { class: "pose", text: poseText(pose) }) : null,
    ...frameBars(shares),
  );
}
