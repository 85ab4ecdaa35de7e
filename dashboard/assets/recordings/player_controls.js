// @ts-check
/* The controls below the video: play, frame by frame, speed, loop, sound, full screen, and keys. */
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { listKeys, pageKey } from "../kit/shortcuts.js";

/**
 * @typedef {object} Controlled
 * @property {HTMLVideoElement | null} video Null: only the position can be changed.
 * @property {HTMLElement} picture Around the video.
 * @property {(by: number) => void} skip Moves by seconds.
 * @property {(to: number) => void} seekShare Moves to a share of the recording, 0 to 1.
 * @property {(direction: 1 | -1) => void} step Moves to the next or the previous frame.
 */

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.5, 2, 4];
const SHORT_S = 5;
const LONG_S = 10;
/** @type {import("../kit/shortcuts.js").Key[]} */
const KEYS = [
  [_("Space or K"), _("play or pause")],
  [_(", and ."), _("previous and next frame")],
  [_("← and →"), _("back and forward {seconds} s", { seconds: SHORT_S })],
  [_("J and L"), _("back and forward {seconds} s", { seconds: LONG_S })],
  [_("0 to 9"), _("jump to a tenth of the recording")],
  [_("< and >"), _("slower and faster")],
  ["O", _("play in a loop")],
  ["M", _("sound on or off")],
  ["F", _("full screen")],
];

listKeys(_("In the player of a recording"), KEYS);

/** Kept while the tab is open, for the next recording. */
const chosen = { speed: 1, isLooped: false };

export class PlayerControls {
  /** Before the slider. */
  left;
  /** After it. */
  right;
  #of;
  #play;
  #speed;
  #loop;

  /**
   * @param {Controlled} of
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   */
  constructor(of, lifetime) {
    this.#of = of;
    const { video } = of;
    this.#play = quietButton(_("Play"), () => this.#toggle(), { class: "button quiet play" });
    this.#speed = make(
      "select",
      { "aria-label": _("Speed"), onchange: () => this.#setSpeed(Number(this.#speed.value)) },
      ...SPEEDS.map((one) => make("option", { value: String(one), text: `${one}×` })),
    );
    this.#loop = toggle(_("Loop"), _("Play in a loop"), () => this.#setLoop(!chosen.isLooped));
    this.left = make("div", { class: "player-controls" }, video && this.#play, ...this.#steps());
    this.right = make(
      "div",
      { class: "player-controls" },
      ...(video ? [this.#speed, this.#loop, ...this.#extras(video, lifetime)] : []),
      keyList(),
    );
    if (video) {
      this.#follow(video, lifetime);
      this.#setSpeed(chosen.speed);
      this.#setLoop(chosen.isLooped);
    }
    lifetime.listen(document, "keydown", (event) => this.#onKey(event));
  }

  /** The video cannot be played: only the position can be changed. */
  disable() {
    for (const control of this.left.querySelectorAll(".play")) control.remove();
    this.right.replaceChildren(keyList());
    this.#of.video = null;
  }

  #steps() {
    return [
      quietButton("‹", () => this.#step(-1), {
        "aria-label": _("Previous frame"),
        title: _("Key ,"),
      }),
      quietButton("›", () => this.#step(1), { "aria-label": _("Next frame"), title: _("Key .") }),
    ];
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   */
  #extras(video, lifetime) {
    const sound = toggle(_("Sound"), _("Sound"), () => {
      video.muted = !video.muted;
    });
    const draw = () => sound.setAttribute("aria-pressed", String(!video.muted));
    lifetime.listen(video, "volumechange", draw);
    draw();
    const full = quietButton(_("Full screen"), () => this.#fullScreen());
    return document.fullscreenEnabled ? [sound, full] : [sound];
  }

  /**
   * @param {HTMLVideoElement} video
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   */
  #follow(video, lifetime) {
    const name = () => {
      this.#play.textContent = video.paused ? _("Play") : _("Pause");
    };
    for (const change of ["play", "pause", "ended"]) lifetime.listen(video, change, name);
    lifetime.listen(video, "click", () => this.#toggle());
    lifetime.listen(video, "loadedmetadata", () => {
      video.playbackRate = chosen.speed;
    });
  }

  #toggle() {
    const { video } = this.#of;
    if (!video) return;
    if (video.paused) video.play().catch(() => {});
    else video.pause();
  }

  /** @param {1 | -1} direction */
  #step(direction) {
    this.#of.video?.pause();
    this.#of.step(direction);
  }

  /** @param {number} speed */
  #setSpeed(speed) {
    chosen.speed = speed;
    this.#speed.value = String(speed);
    if (this.#of.video) this.#of.video.playbackRate = speed;
  }

  /** @param {1 | -1} direction */
  #changeSpeed(direction) {
    const next = SPEEDS[SPEEDS.indexOf(chosen.speed) + direction];
    if (next) this.#setSpeed(next);
  }

  /** @param {boolean} isLooped */
  #setLoop(isLooped) {
    chosen.isLooped = isLooped;
    this.#loop.setAttribute("aria-pressed", String(isLooped));
    if (this.#of.video) this.#of.video.loop = isLooped;
  }

  #fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#of.picture.requestFullscreen().catch(() => {});
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const key = pageKey(event);
    if (!key) return;
    const act = this.#actionOf(key);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /**
   * @param {string} key
   * @returns {(() => void) | undefined}
   */
  #actionOf(key) {
    const { skip, seekShare, video } = this.#of;
    if (/^\d$/.test(key)) return () => seekShare(Number(key) / 10);
    /** @type {Record<string, () => void>} */
    const always = {
      ",": () => this.#step(-1),
      ".": () => this.#step(1),
      ArrowLeft: () => skip(-SHORT_S),
      ArrowRight: () => skip(SHORT_S),
      j: () => skip(-LONG_S),
      l: () => skip(LONG_S),
    };
    /** @type {Record<string, () => void>} */
    const ofVideo = {
      " ": () => this.#toggle(),
      k: () => this.#toggle(),
      "<": () => this.#changeSpeed(-1),
      ">": () => this.#changeSpeed(1),
      o: () => this.#setLoop(!chosen.isLooped),
      m: () => {
        if (video) video.muted = !video.muted;
      },
      f: () => this.#fullScreen(),
    };
    const name = key.length === 1 ? key.toLowerCase() : key;
    return always[name] ?? (video ? ofVideo[name] : undefined);
  }
}

/**
 * @param {string} text
 * @param {string} title
 * @param {() => void} onclick
 */
const toggle = (text, title, onclick) =>
  quietButton(text, onclick, { title, class: "button quiet toggle", "aria-pressed": "false" });

const keyList = () =>
  make(
    "details",
    { class: "keys" },
    make("summary", { text: _("Keys") }),
    make(
      "dl",
      { class: "panel" },
      ...KEYS.flatMap(([keys, action]) => [
        make("dt", {}, make("kbd", { text: keys })),
        make("dd", { text: action }),
      ]),
    ),
  );
