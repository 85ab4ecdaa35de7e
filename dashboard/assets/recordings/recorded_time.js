// @ts-check
/* When a recording was made: how that is known, a way to Trends of that time, and a form to set it. */
import { base, messageOf, post } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { dateTimeSeconds } from "../kit/format.js";
import { errorLine, field, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { timeInput, timeOf } from "./recording_details.js";

/**
 * @typedef {object} Recorded
 * @property {string} source
 * @property {string} state
 * @property {number | null} recorded_at Seconds since 1970.
 * @property {string} recorded_text How it is known.
 */

const HOUR_S = 3600;
const HINT = _(
  "On your clock. The frames, Trends and exports of this recording move to that time; " +
    "the change is in the audit.",
);

export class RecordedTime {
  node = make("div", { class: "recorded-time" });
  #path;
  #mayChange;
  #onChange;
  #drawn = "";

  /**
   * @param {string} path Of the run's routes.
   * @param {boolean} mayChange
   * @param {() => void} onChange
   */
  constructor(path, mayChange, onChange) {
    this.#path = path;
    this.#mayChange = mayChange;
    this.#onChange = onChange;
  }

  /**
   * @param {Recorded} run
   * @param {number} spanS Length of the recording.
   */
  update(run, spanS) {
    const key = JSON.stringify([
      run.recorded_at,
      run.recorded_text,
      run.state === "running",
      spanS,
    ]);
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#show(run, spanS);
  }

  /**
   * @param {Recorded} run
   * @param {number} spanS
   */
  #show(run, spanS) {
    const { recorded_at: at, recorded_text: how } = run;
    const text = at
      ? _("Recorded {time} ({origin})", {
          time: dateTimeSeconds(at),
          origin: known(how),
        })
      : _("The time of the recording is not known yet");
    this.node.replaceChildren(
      make("span", { text }),
      at
        ? make("a", { href: trendsAddress(run.source, at, spanS), text: _("Trends of that time") })
        : "",
      this.#mayChange && run.state !== "running"
        ? quietButton(_("Set the time"), () => this.#edit(run, spanS), { "data-key": "set time" })
        : "",
    );
  }

  /**
   * @param {Recorded} run
   * @param {number} spanS
   */
  #edit(run, spanS) {
    const input = timeInput("recorded-at", run.recorded_at);
    input.required = true;
    const error = errorLine();
    const close = () => {
      this.#show(run, spanS);
      this.node.querySelector("button")?.focus();
    };
    const save = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      error.textContent = "";
      try {
        await post(`${this.#path}/time`, { recorded_at: timeOf(input) });
        close();
        this.#onChange();
      } catch (failure) {
        error.textContent = messageOf(failure);
      }
    };
    this.node.replaceChildren(
      make(
        "form",
        { class: "panel time-form", onsubmit: save },
        field(_("Recorded at"), input, HINT),
        make(
          "div",
          { class: "row-buttons" },
          make("button", { type: "submit", class: "button", text: _("Save") }),
          quietButton(_("Cancel"), close),
        ),
        error,
      ),
    );
    input.focus();
  }
}

/**
 * The address of Trends for whole hours around a recording.
 * @param {string} source
 * @param {number} at Its begin, seconds since 1970.
 * @param {number} spanS
 */
function trendsAddress(source, at, spanS) {
  const begin = Math.floor(at / HOUR_S) * HOUR_S;
  const end = Math.ceil((at + Math.max(spanS, 1)) / HOUR_S) * HOUR_S;
  const iso = (/** @type {number} */ seconds) =>
    new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
  const range = `from=${iso(begin)}&to=${iso(end)}`;
  return `${base()}trends?${range}&sources=${encodeURIComponent(source)}`;
}
