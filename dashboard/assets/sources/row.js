// @ts-check
/* One source: its state, its last 24 hours, and what can be done with it. */
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { NONE, number, shortDateTime, tenths } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { sourceLink } from "../kit/links.js";
import { stateBadge, stateKind, stateText } from "../kit/live_states.js";
import { stillFacesText } from "../kit/reading.js";
import { turnText } from "../kit/turn.js";
import { zonesText } from "../kit/zones.js";
import { frameCounts, healthStrip, intervalTable } from "./health.js";

/**
 * @typedef {object} Source
 * @property {string} name
 * @property {string} uri Without its password.
 * @property {string[]} tags
 * @property {string} state
 * @property {string | null} since ISO 8601.
 * @property {string} reason
 * @property {number} fps
 * @property {number | null} fps_limit
 * @property {import("./health.js").Interval[]} history The newest first.
 * @property {number} captured
 * @property {number} analyzed
 * @property {number} sampled_out
 * @property {Record<string, number>} dropped
 * @property {import("../kit/zones.js").Zone[]} zones
 * @property {number | null} min_face_px Null: the setting.
 * @property {number} rotate Degrees clockwise.
 * @property {boolean} mirror
 * @property {boolean | null} keep_static Whether still faces count; null: the setting.
 */

/**
 * @typedef {object} Actions
 * @property {() => void} edit
 * @property {() => void} zones
 * @property {() => void} pause
 * @property {() => void} resume
 * @property {() => void} remove
 */

/**
 * @param {Source} source
 * @param {import("./health.js").Span} span Of the history.
 * @param {Actions | null} actions Null for a viewer.
 */
export const sourceRow = (source, span, actions) =>
  make(
    "section",
    { class: "panel source", "aria-label": source.name },
    make(
      "div",
      { class: "source-head" },
      identity(source),
      stateColumn(
        stateBadge(stateKind(source.state), stateText(source.state)),
        source.since
          ? _("since {time}", { time: shortDateTime(Date.parse(source.since) / 1000) })
          : "",
      ),
      stateColumn(
        make("strong", {
          text: source.state === "streaming" ? _("{rate} fps", { rate: tenths(source.fps) }) : NONE,
        }),
        source.fps_limit
          ? _("limit {rate} fps", { rate: number(source.fps_limit) })
          : _("no limit"),
      ),
      actions ? sourceButtons(source, actions) : null,
    ),
    make("p", { class: "why", text: known(source.reason), hidden: !source.reason }),
    healthStrip(source.history, span),
    make(
      "details",
      {},
      make("summary", {
        text: _("Last 24 hours, and lost frames"),
        "data-key": `more ${source.name}`,
      }),
      intervalTable(source.name, source.history),
      frameCounts(source),
    ),
  );

/** @param {Source} source */
const identity = (source) => {
  const { name, uri, tags, zones, min_face_px: minFace, rotate, mirror } = source;
  return make(
    "div",
    {},
    make("h2", {}, sourceLink(name, { "data-key": `page ${name}` })),
    make("p", { class: "soft uri", text: uri }),
    tags.length
      ? make(
          "p",
          { class: "tags" },
          ...tags.map((tag) => make("span", { class: "tag", text: tag })),
        )
      : null,
    make("p", {
      class: "soft zones-text",
      text: turnText({ rotate, mirror }),
      hidden: !rotate && !mirror,
    }),
    make("p", {
      class: "soft zones-text",
      text: zonesText(zones, minFace),
      hidden: !zones.length && !minFace,
    }),
    make("p", {
      class: "soft zones-text",
      text: stillFacesText(source.keep_static),
      hidden: source.keep_static === null,
    }),
  );
};

/**
 * @param {HTMLElement} main
 * @param {string} note
 */
const stateColumn = (main, note) =>
  make("div", { class: "source-state" }, main, make("p", { class: "soft", text: note }));

/**
 * @param {Source} source
 * @param {Actions} actions
 */
export function sourceButtons({ name, state }, actions) {
  const button = (
    /** @type {string} */ key,
    /** @type {string} */ text,
    /** @type {string} */ label,
    /** @type {() => void} */ onclick,
    kind = "quiet",
  ) =>
    quietButton(text, onclick, {
      class: `button ${kind}`,
      "data-key": `${key} ${name}`,
      "aria-label": label,
    });
  return make(
    "div",
    { class: "row-buttons" },
    button("Edit", _("Edit"), _("Edit {name}", { name }), actions.edit),
    button("Zones", _("Zones"), _("Zones {name}", { name }), actions.zones),
    state === "paused"
      ? button("Resume", _("Resume"), _("Resume {name}", { name }), actions.resume)
      : button("Pause", _("Pause"), _("Pause {name}", { name }), actions.pause),
    button("Remove", _("Remove"), _("Remove {name}", { name }), actions.remove, "danger"),
  );
}
