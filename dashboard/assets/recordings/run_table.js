// @ts-check
/* The table of analysed recordings and of those that wait. */
import { base, post, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { NONE, dateTime, duration, localTime, number, position } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _, n_, pair } from "../kit/language.js";
import { stateBadge } from "../kit/live_states.js";

/**
 * @typedef {object} Run
 * @property {string} run_id
 * @property {string} source
 * @property {string} state
 * @property {string} error
 * @property {number} queued_at Seconds since 1970.
 * @property {number | null} started_at
 * @property {number | null} duration_s
 * @property {number} frames_analyzed
 * @property {number | null} frames_total
 * @property {number | null} frames_claimed
 * @property {number} faces
 * @property {number | null} recorded_at
 * @property {string | null} recorded_at_origin
 * @property {string | null} copy_of_source The source of the recording whose content it has.
 * @property {string[]} tags
 * @property {boolean} is_own Whether the viewer may change it.
 * @property {{ id: string, goes_at: number | null } | null} upload
 */

/** @typedef {(action: () => Promise<unknown>) => void} RunAction Runs it and shows its error. */

/** @type {Record<string, [kind: string, text: string]>} */
const STATES = {
  queued: ["idle", _("Waiting")],
  running: ["warn", _("Being analysed")],
  done: ["good", _("Done")],
  failed: ["bad", _("Failed")],
  cancelled: ["idle", _("Cancelled")],
};
/** How the time of a recording is known. @type {Record<string, string>} */
const ORIGINS = {
  recorded_at: _("as given"),
  set: _("set by hand"),
  pattern: _("from the file's name"),
  container: _("from the file's header"),
  container_end: _("from the file's header"),
  mtime: _("from the file's time"),
  mtime_end: _("from the file's time"),
};
const ENDED = ["done", "failed", "cancelled"];

/** @type {[text: string, sort: string][]} */
const COLUMNS = [
  [_("Recording"), "name"],
  [_("Recorded"), "recorded"],
  [_("Length"), "length"],
  [_("State"), "state"],
  [_("Faces"), "faces"],
];

/**
 * @typedef {object} TableView
 * @property {boolean} isOperator
 * @property {RunAction} act
 * @property {import("./selection.js").Selection} selection
 * @property {import("./library_view.js").LibraryView} view
 */

/**
 * @param {Run[]} runs
 * @param {TableView} table
 */
export function runTable(runs, { isOperator, act, selection, view }) {
  const boxes = runs.map((run) => checkbox(run, selection));
  const all = make("input", {
    type: "checkbox",
    "aria-label": _("Select all on this page"),
    "data-key": "select all",
    onchange: () => {
      selection.set(
        runs.map((run) => run.run_id),
        all.checked,
      );
      for (const box of boxes) box.checked = all.checked;
    },
  });
  all.checked = runs.every((run) => selection.has(run.run_id));
  const actions = make("span", { class: "unseen", text: _("Actions") });
  return make(
    "div",
    { class: "panel scroll-x", role: "region", tabindex: "0", "aria-label": _("Recordings") },
    make(
      "table",
      { class: "runs" },
      make(
        "thead",
        {},
        make(
          "tr",
          {},
          make(
            "th",
            { scope: "col", class: "choice" },
            make("span", { class: "unseen", text: _("Choice") }),
            all,
          ),
          ...COLUMNS.map(([text, sort]) => sortHead(text, sort, view)),
          make("th", { scope: "col" }, actions),
        ),
      ),
      make(
        "tbody",
        {},
        ...runs.map((run, index) =>
          row(run, boxes[index], isOperator && run.is_own ? buttons(run, act) : []),
        ),
      ),
    ),
  );
}

/**
 * A heading that sorts by its column.
 * @param {string} text
 * @param {string} sort
 * @param {import("./library_view.js").LibraryView} view
 */
function sortHead(text, sort, view) {
  const { sort: now, isUp } = view.sorting;
  const direction = isUp ? "ascending" : "descending";
  return make(
    "th",
    { scope: "col", "aria-sort": sort === now ? direction : null },
    make("button", {
      type: "button",
      class: "sort",
      text: sort === now ? `${text} ${isUp ? "↑" : "↓"}` : text,
      "data-key": `sort ${sort}`,
      onclick: () => view.sortBy(sort),
    }),
  );
}

/**
 * @param {Run} run
 * @param {import("./selection.js").Selection} selection
 */
function checkbox(run, selection) {
  const box = make("input", {
    type: "checkbox",
    "aria-label": _("Select {source}", { source: run.source }),
    "data-key": `select ${run.run_id}`,
    onchange: () => selection.set([run.run_id], box.checked),
  });
  box.checked = selection.has(run.run_id);
  return box;
}

/**
 * @param {Run} run
 * @param {HTMLInputElement} choice
 * @param {HTMLElement[]} actions
 */
const row = (run, choice, actions) =>
  make(
    "tr",
    { "data-run-id": run.run_id },
    make("td", { class: "choice" }, choice),
    make(
      "th",
      { scope: "row" },
      make("a", {
        href: `${base()}recordings/${run.run_id}`,
        text: run.source,
        "data-key": `open ${run.run_id}`,
      }),
      make("p", {
        class: "soft",
        text: [_("Added {time}", { time: dateTime(run.queued_at) }), uploadNote(run)]
          .filter(Boolean)
          .join("; "),
      }),
      run.copy_of_source
        ? make("p", {
            class: "soft",
            text: _("Copy of {source}: the same content", { source: run.copy_of_source }),
          })
        : null,
      run.tags.length ? make("p", { class: "soft", text: run.tags.join(", ") }) : null,
    ),
    make(
      "td",
      { "data-name": _("Recorded") },
      run.recorded_at === null ? NONE : dateTime(run.recorded_at),
      run.recorded_at === null
        ? null
        : make("p", { class: "soft", text: ORIGINS[run.recorded_at_origin ?? ""] ?? "" }),
    ),
    make("td", {
      text: run.duration_s ? position(run.duration_s) : NONE,
      "data-name": _("Length"),
    }),
    stateCell(run),
    make("td", { text: number(run.faces), "data-name": _("Faces") }),
    make("td", {}, make("div", { class: "row-buttons" }, ...actions)),
  );

/** @param {Run} run */
function stateCell(run) {
  const [kind, text] = STATES[run.state] ?? ["warn", run.state];
  const cell = make("td", {}, stateBadge(kind, text));
  if (run.state === "running") cell.append(...progress(run));
  if (run.error && run.state !== "cancelled") {
    cell.append(make("p", { class: "soft", text: known(run.error) }));
  }
  return cell;
}

/** @param {Run} run */
function progress(run) {
  const total = run.frames_total || run.frames_claimed || 0;
  const done = total ? run.frames_analyzed / total : 0;
  const spentS = run.started_at ? Date.now() / 1000 - run.started_at : 0;
  const bar = make("progress", {
    max: "1",
    "aria-label": _("Progress of {source}", { source: run.source }),
  });
  if (total) bar.value = Math.min(done, 1);
  const counts = { analysed: number(run.frames_analyzed), total: number(total) };
  const frames = total
    ? _("{analysed} of about {total} frames", counts)
    : n_("{count} frame", "{count} frames", run.frames_analyzed);
  const left = duration((spentS * (1 - done)) / done);
  const text =
    done > 0.02 && done < 1 ? _("{frames}, {duration} left", { frames, duration: left }) : frames;
  return [bar, make("p", { class: "soft", text })];
}

/** @param {Run} run */
function uploadNote({ upload }) {
  if (!upload) return "";
  if (!upload.goes_at) return _("the file is kept");
  const day = localTime(upload.goes_at, { day: "numeric", month: "long" });
  return _("the file is deleted on {day}", { day });
}

/**
 * @param {Run} run
 * @param {RunAction} act
 */
function buttons(run, act) {
  const { run_id: id, state, upload } = run;
  const button = (/** @type {string} */ text, /** @type {() => Promise<unknown>} */ action) =>
    quietButton(text, () => act(action), {
      "data-key": `${text} ${id}`,
      "aria-label": pair(text, run.source),
    });
  return [
    ["queued", "running"].includes(state)
      ? button(_("Cancel"), () => post(`recordings/cancel/${id}`))
      : [],
    ["failed", "cancelled"].includes(state)
      ? button(_("Try again"), () => post(`recordings/retry/${id}`))
      : [],
    upload && ENDED.includes(state)
      ? button(_("Delete the file"), () =>
          request(`recordings/upload/${upload.id}`, { method: "DELETE" }),
        )
      : [],
  ].flat();
}
