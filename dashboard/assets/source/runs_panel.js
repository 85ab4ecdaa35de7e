// @ts-check
/* The newest runs of a source: those of recordings lead to their player. */
import { make } from "../kit/dom.js";
import { dateTime, NONE, number, position } from "../kit/format.js";
import { _, n_ } from "../kit/language.js";
import { rangeHref, runHref } from "../kit/links.js";
import { runStateText, stateBadge } from "../kit/live_states.js";
import { table } from "../kit/tables.js";

/**
 * @typedef {object} Run
 * @property {string} run_id
 * @property {string} kind file or live.
 * @property {string} state
 * @property {string} error
 * @property {number | null} recorded_at Seconds since 1970.
 * @property {number} queued_at
 * @property {number | null} started_at
 * @property {number | null} finished_at
 * @property {number | null} duration_s
 * @property {number} faces
 */

/** @type {Record<string, string>} */
const KINDS = { queued: "idle", running: "warn", done: "good", failed: "bad", cancelled: "idle" };

/** @param {import("./page.js").SourceAnswer} answer */
export function runsPanel({ name, is_camera: isCamera, runs, run_count: count }) {
  const title = isCamera ? _("Runs") : _("Recordings");
  return make(
    "section",
    { class: "panel source-runs", "aria-label": title },
    make("h2", { text: title }),
    runs.length
      ? table(
          isCamera ? _("Runs, table") : _("Recordings, table"),
          isCamera
            ? [_("Began"), _("State"), _("Ended"), _("Faces")]
            : [_("Recorded"), _("State"), _("Length"), _("Faces")],
          runs.map((run) => (isCamera ? liveRow(run, name) : recordingRow(run))),
        )
      : make("p", { class: "soft", text: _("Nothing was analysed yet.") }),
    count > runs.length
      ? make("p", {
          class: "soft",
          text: n_("The newest of {count} run.", "The newest of {count} runs.", count),
        })
      : null,
  );
}

/**
 * A run of a camera leads to its time in Trends.
 * @param {Run} run
 * @param {string} name
 */
function liveRow(run, name) {
  const since = run.started_at ?? run.queued_at;
  const until = run.finished_at ?? Date.now() / 1000;
  const isOpen = run.state === "running";
  return [
    make("a", {
      href: rangeHref({ since, until }, name),
      text: dateTime(since),
      "data-key": `run ${run.run_id}`,
    }),
    isOpen ? stateBadge("good", _("Running")) : state(run),
    run.finished_at ? dateTime(run.finished_at) : NONE,
    number(run.faces),
  ];
}

/** @param {Run} run */
const recordingRow = (run) => [
  make("a", {
    href: runHref(run.run_id),
    text: run.recorded_at ? dateTime(run.recorded_at) : _("Time unknown"),
    "data-key": `run ${run.run_id}`,
  }),
  state(run),
  run.duration_s ? position(run.duration_s) : NONE,
  number(run.faces),
];

/** @param {Run} run */
function state({ state: name, error }) {
  return make(
    "span",
    {},
    stateBadge(KINDS[name] ?? "warn", runStateText(name)),
    error && name === "failed" ? make("span", { class: "soft", text: ` ${error}` }) : null,
  );
}
