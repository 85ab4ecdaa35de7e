// @ts-check
/* The player: the video with boxes around faces, and a slider. */
import { make } from "../kit/dom.js";
import { faceBox } from "../kit/expressions.js";
import { position } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { ROUNDING_S } from "./faces.js";
import { PlayerControls } from "./player_controls.js";

const CANNOT_PLAY = _(
  "The browser cannot play this kind of recording. It can play an annotated video of " + "it.",
);
/**
 * What may be played of a recording. copy: the annotated video, with its privacy masks.
 * @typedef {"gone" | "whole" | "masked" | "uncovered" | "copy"} Media
 */
/** @typedef {{ rotate: number, mirror: boolean }} Turn Degrees clockwise, and then mirrored. */

/** The step where no frame is known, as in a gap. */
const UNKNOWN_FRAME_S = 1;
const OPERATORS_ONLY = _("The recording shows people. Only an operator can play it.");
const FILE_GONE = _(
  "The recording cannot be played: it was deleted or changed, or is not in an allowed " +
    "folder. Its results stay.",
);
const MASKED = _(
  "This recording has privacy masks, so it is not played. Draw an annotated video: it " +
    "has the masks, and is played here.",
);
const UNCOVERED = _(
  "A newer analysis of this recording has privacy masks, which this one lacks. Its " +
    "pictures are shown there only.",
);

export class Player {
  /** Seconds from the start. */
  positionS = 0;
  /**
   * The exact presentation time of the picture that the video shows; null if it is not known.
   * @type {number | null}
   */
  frameTimeS = null;
  spanS = 0;
  /** Called when the position has changed, or what is drawn at it. */
  onChange = () => {};
  /**
   * The time of the frame after or before a position; null if it is not known.
   * @type {(seconds: number, direction: 1 | -1) => number | null}
   */
  nextFrame = () => null;
  #video;
  #controls;
  #overlay = make("div", { class: "overlay", "aria-hidden": "true" });
  #time = make("output", { class: "at" });
  #slider = make("input", {
    type: "range",
    min: "0",
    step: "0.04",
    value: "0",
    class: "seek",
    "aria-label": _("Position in the recording"),
    oninput: () => this.seek(Number(this.#slider.value)),
  });

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {{ name: string, url: string, media: Media, turn: Turn, isOperator: boolean }} recording
   */
  constructor(lifetime, { name, url, media, turn, isOperator }) {
    const isPlayable = media === "whole" || media === "copy";
    // The annotated video has its own boxes.
    this.#overlay.hidden = media === "copy";
    this.#video = isPlayable && isOperator ? this.#followedVideo(lifetime, name, url) : null;
    this.hasVideo = this.#video !== null;
    const picture = this.#video
      ? make("div", { class: "player" }, this.#video, this.#overlay)
      : make("div", { class: "empty", text: reason(media, isOperator) });
    const stage = make("div", { class: "stage" }, picture);
    const isTurned = turn.rotate !== 0 || turn.mirror;
    // The annotated video is turned already.
    if (this.#video && isTurned && media === "whole") showTurned(picture, this.#video, turn);
    this.#controls = new PlayerControls(
      {
        video: this.#video,
        picture: stage,
        skip: (by) => this.seek(this.positionS + by),
        seekShare: (share) => this.seek(this.spanS * share),
        step: (direction) => this.#step(direction),
      },
      lifetime,
    );
    this.node = make(
      "div",
      {},
      stage,
      make(
        "div",
        { class: "seek-row" },
        this.#controls.left,
        this.#slider,
        this.#time,
        this.#controls.right,
      ),
    );
  }

  /** @param {number} spanS Length of the recording, which grows while it is analysed. */
  setSpan(spanS) {
    this.spanS = spanS;
    this.#slider.max = String(spanS);
    this.#changed();
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.positionS = Math.min(Math.max(seconds, 0), this.spanS);
    this.frameTimeS = null;
    if (this.#video && Math.abs(this.#video.currentTime - this.positionS) > ROUNDING_S) {
      this.#video.currentTime = this.positionS;
    }
    this.#changed();
  }

  /** @param {1 | -1} direction */
  #step(direction) {
    const here = this.frameTimeS ?? this.positionS;
    const next = this.nextFrame(here, direction);
    // Times are rounded: a little later is surely within the frame.
    this.seek(next === null ? here + direction * UNKNOWN_FRAME_S : next + ROUNDING_S);
  }

  /** @param {import("./faces.js").Face[]} faces */
  showFaces(faces) {
    this.#overlay.replaceChildren(
      ...faces.map(([track, x, y, w, h, label, , , mark]) =>
        mark
          ? faceBox("uncertain", _("{track} still face", { track }), { x, y, w, h })
          : faceBox(label, String(track), { x, y, w, h }),
      ),
    );
  }

  #changed() {
    this.#slider.value = String(this.positionS);
    this.#slider.setAttribute("aria-valuetext", position(this.positionS));
    this.#time.textContent = _("{position} of {length}", {
      position: position(this.positionS),
      length: position(this.spanS),
    });
    this.onChange();
  }

  /**
   * A video that this player follows.
   *
   * The old picture stays until the next one is presented, which may be before "seeking" is sent. A
   * seek may present two pictures before the next callback can be requested, which then reports the
   * first only: at the end of a seek the video itself is asked for the time of its picture.
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {string} name
   * @param {string} url
   */
  #followedVideo(lifetime, name, url) {
    const video = make("video", {
      preload: "metadata",
      src: url,
      "aria-label": name,
      playsinline: true,
    });
    const moveTo = (/** @type {number | null} */ frameTimeS) => {
      if (lifetime.ended) return;
      this.positionS = video.currentTime;
      this.frameTimeS = frameTimeS;
      this.#changed();
    };
    if ("requestVideoFrameCallback" in video) {
      /** @type {VideoFrameRequestCallback} */
      const onFrame = (_now, { mediaTime }) => {
        moveTo(mediaTime);
        if (!lifetime.ended) video.requestVideoFrameCallback(onFrame);
      };
      video.requestVideoFrameCallback(onFrame);
    } else {
      lifetime.listen(video, "timeupdate", () => moveTo(null));
    }
    lifetime.listen(video, "seeking", () => moveTo(this.frameTimeS));
    lifetime.listen(video, "seeked", () => moveTo(timeOfPicture(video)));
    lifetime.listen(video, "loadedmetadata", () => {
      const ratio = video.videoWidth / video.videoHeight || 1;
      video.parentElement?.style.setProperty("--video-ratio", String(ratio));
    });
    lifetime.listen(video, "error", () => {
      video.replaceWith(make("div", { class: "empty", text: CANNOT_PLAY }));
      this.#video = null;
      this.#controls.disable();
    });
    return video;
  }
}

/**
 * Why nothing is played.
 * @param {Media} media
 * @param {boolean} isOperator
 */
function reason(media, isOperator) {
  if (media === "gone") return FILE_GONE;
  if (media === "uncovered") return UNCOVERED;
  return isOperator ? MASKED : OPERATORS_ONLY;
}

/**
 * Show a video as the run read it: turned, and mirrored.
 * @param {HTMLElement} picture Around the video.
 * @param {HTMLVideoElement} video
 * @param {Turn} turn
 */
function showTurned(picture, video, { rotate, mirror }) {
  const isQuarter = rotate % 180 !== 0;
  picture.classList.add("turned");
  picture.classList.toggle("quarter", isQuarter);
  video.style.transform = `translate(-50%, -50%) scaleX(${mirror ? -1 : 1}) rotate(${rotate}deg)`;
  const setRatio = () => {
    const ratio = video.videoWidth / video.videoHeight || 1;
    picture.style.setProperty("--ratio", String(isQuarter ? 1 / ratio : ratio));
  };
  video.addEventListener("loadedmetadata", setRatio);
}

/**
 * The presentation time of the picture that a video shows, in seconds. Null where the browser does
 * not know: WebCodecs needs https or localhost.
 * @param {HTMLVideoElement} video
 */
function timeOfPicture(video) {
  try {
    const picture = new VideoFrame(video);
    const seconds = picture.timestamp / 1e6;
    picture.close();
    return seconds;
  } catch {
    return null;
  }
}
