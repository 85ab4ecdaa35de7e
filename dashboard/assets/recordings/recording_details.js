// @ts-check
/* What a user says about new recordings: the source's name, tags, and when they were recorded. */
import { make } from "../kit/dom.js";
import { field } from "../kit/forms.js";
import { _ } from "../kit/language.js";

/**
 * @typedef {object} Details
 * @property {string} source "" for the name of the file.
 * @property {string[]} tags
 * @property {string | null} recorded_at ISO 8601; null: as the file says.
 */

const MAX_TAGS = 20;
const NAME_HINT = _(
  "For files that you send. The results of several files are one source if they get " +
    "the same name.",
);
const TAG_HINT = _("Separated by commas, as in: group A, day 1. Trends groups sources by tag.");
const TIME_HINT = _(
  "For files that you send, in your time zone. Leave it empty to take the time from " +
    "the file: from its header, or from when it was last changed. It can be set later, " +
    "too.",
);

export class RecordingDetails {
  node;
  #source = make("input", { id: "recording-source", maxlength: "100", autocomplete: "off" });
  #tags = make("input", { id: "recording-tags", maxlength: "400", autocomplete: "off" });
  #time = timeInput("recording-time", null);

  constructor() {
    this.node = make(
      "details",
      { class: "panel recording-details" },
      make("summary", { text: _("Name, tags and time of new recordings") }),
      make(
        "div",
        { class: "form-grid" },
        field(_("Source name"), this.#source, NAME_HINT),
        field(_("Tags"), this.#tags, TAG_HINT),
        field(_("Recorded at"), this.#time, TIME_HINT),
      ),
    );
  }

  /** @returns {Details} */
  entered() {
    const tags = this.#tags.value.split(",").map((tag) => tag.trim());
    return {
      source: this.#source.value.trim(),
      tags: [...new Set(tags.filter(Boolean))].slice(0, MAX_TAGS).map((tag) => tag.slice(0, 40)),
      recorded_at: timeOf(this.#time),
    };
  }

  /** What holds for folders, too: their recordings keep their names and times. */
  enteredForFolder() {
    return { tags: this.entered().tags };
  }
}

/**
 * An input for a date and a time to the second, on the viewer's clock.
 * @param {string} id
 * @param {number | null} seconds Since 1970; null: empty.
 */
export function timeInput(id, seconds) {
  const input = make("input", {
    id,
    type: "datetime-local",
    step: "1",
    max: "2199-12-31T23:59:59",
  });
  if (seconds !== null) {
    const at = new Date(seconds * 1000);
    const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
    input.value = local.toISOString().slice(0, 19);
  }
  return input;
}

/**
 * The time in such an input, as ISO 8601; null if it is empty.
 * @param {HTMLInputElement} input
 */
export function timeOf(input) {
  const at = input.value ? new Date(input.value) : null;
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}
