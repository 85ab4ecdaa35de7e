// @ts-check
/* A tile of the wall: name, state, newest picture, and the expressions in view. */
import { known } from "../kit/core_messages.js";
import { make, setText } from "../kit/dom.js";
import { LABELS, labelName, swatch } from "../kit/expressions.js";
import { number, timeOfDay } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { isDown, sentence, stateBadge, stateKind, stateText } from "../kit/live_states.js";

/** @typedef {import("../now/tile.js").SourceNow} SourceNow */

export class WallTile {
  /** @type {SourceNow | null} */
  source = null;
  #zones = "";
  #state = stateBadge("warn", "");
  #image = make("img", { alt: "", hidden: true });
  #text = make("p", { class: "wall-text" });
  #readings = make("p", { class: "wall-readings" });
  #shown = "";

  /**
   * @param {string} name
   * @param {string} pictures How faces are shown: off, blurred or clear.
   */
  constructor(name, pictures) {
    this.pictures = pictures;
    this.node = make(
      "article",
      { class: "wall-tile", "aria-label": name },
      make("header", {}, make("h2", { text: name }), this.#state),
      make("div", { class: "wall-picture" }, this.#image, this.#text),
      this.#readings,
    );
  }

  /** @param {SourceNow} source */
  update(source) {
    // A picture shows what privacy masks that were drawn since then cover.
    const zones = JSON.stringify(source.zones);
    if (this.source && zones !== this.#zones) this.forgetPicture();
    this.#zones = zones;
    this.source = source;
    const { state, readings } = source;
    this.#state.className = `state state-${stateKind(state)}`;
    setText(this.#state, stateText(state));
    this.node.classList.toggle("is-down", isDown(state));
    this.#drawText(source);
    this.#drawReadings(readings);
  }

  /** @param {string} jpeg Base64. */
  showPicture(jpeg) {
    this.#image.src = `data:image/jpeg;base64,${jpeg}`;
    this.#image.hidden = false;
    if (this.source) this.#drawText(this.source);
  }

  forgetPicture() {
    this.#image.hidden = true;
    this.#image.removeAttribute("src");
  }

  /** @param {SourceNow} source */
  #drawText({ name, state, reason, since, readings }) {
    this.#image.alt = _("Newest picture of {name}", { name });
    setText(this.#text, this.#message({ state, reason, since, readings }));
  }

  /** @param {Pick<SourceNow, "state" | "reason" | "since" | "readings">} source */
  #message({ state, reason, since, readings }) {
    if (state !== "streaming") {
      const begun = since ? _("Since {time}.", { time: timeOfDay(since) }) : "";
      return [sentence(known(reason)), begun].filter(Boolean).join(" ");
    }
    if (!this.#image.hidden) return "";
    if (this.pictures === "off") return _("Pictures are off.");
    return readings ? "" : _("Waiting for the first picture.");
  }

  /**
   * The expressions in view, the most frequent first. Nobody is only said of an analysed picture.
   * @param {SourceNow["readings"]} readings
   */
  #drawReadings(readings) {
    const counts = LABELS.map((label) => ({
      label,
      count: readings?.filter((one) => one.label === label).length ?? 0,
    })).filter(({ count }) => count);
    const wanted = readings ? JSON.stringify(counts) : "";
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    counts.sort((a, b) => b.count - a.count);
    this.#readings.replaceChildren(
      ...counts.map(({ label, count }) =>
        make(
          "span",
          { class: "wall-reading" },
          swatch(label),
          count > 1 ? `${number(count)} ${labelName(label)}` : labelName(label),
        ),
      ),
      ...(readings && !counts.length
        ? [make("span", { class: "soft", text: _("No face in view.") })]
        : []),
    );
  }
}
