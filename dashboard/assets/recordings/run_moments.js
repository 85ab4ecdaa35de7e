// @ts-check
/* The moments of a run: a button for each, which goes to it. */
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { labelName, swatch } from "../kit/expressions.js";
import { position, tenths } from "../kit/format.js";
import { _ } from "../kit/language.js";

/** @typedef {{ begin_s: number, end_s: number, label: string, track: number }} Moment */

/** A moment begins on a frame: this much later that frame is shown for certain. */
const INTO_MOMENT_S = 0.05;

export class RunMoments {
  #onSeek;
  #drawn = "";
  /** @type {{ moment: Moment, button: HTMLButtonElement }[]} */
  #buttons = [];
  #list = make("div");

  /** @param {(seconds: number) => void} onSeek */
  constructor(onSeek) {
    this.#onSeek = onSeek;
    this.node = make(
      "section",
      { class: "panel", "aria-label": _("Moments") },
      make("h2", { text: _("Moments") }),
      this.#list,
    );
  }

  /** @param {Moment[]} moments */
  update(moments) {
    const key = JSON.stringify(moments);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#buttons = moments.map((moment) => ({ moment, button: this.#button(moment) }));
    const content = moments.length
      ? make(
          "ol",
          { class: "moments" },
          ...this.#buttons.map(({ button }) => make("li", {}, button)),
        )
      : make("p", { class: "soft", text: _("No expression but neutral lasted 0.8 s or longer.") });
    redrawKeepingFocus(this.#list, () => this.#list.replaceChildren(content));
  }

  /** @param {number} seconds */
  highlight(seconds) {
    for (const { moment, button } of this.#buttons) {
      button.classList.toggle("here", seconds >= moment.begin_s && seconds <= moment.end_s);
    }
  }

  /** @param {Moment} moment */
  #button({ begin_s: begin, end_s: end, label, track }) {
    return make(
      "button",
      {
        type: "button",
        "data-key": `${track} ${begin}`,
        onclick: () => this.#onSeek(begin + INTO_MOMENT_S),
      },
      swatch(label),
      make("span", { class: "moment-at", text: position(begin) }),
      make("span", {
        text: _("track {track} {label} for {seconds} s", {
          track,
          label: labelName(label),
          seconds: tenths(end - begin),
        }),
      }),
    );
  }
}
