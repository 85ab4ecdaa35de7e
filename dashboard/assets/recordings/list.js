// @ts-check
/* All recordings: files to send, folders to read, and the runs. */
import { messageOf, post, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { acceptFiles } from "../kit/file_drop.js";
import { fileSize, number } from "../kit/format.js";
import { errorLine, field } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { LibraryView } from "./library_view.js";
import { ReadingOptions } from "./reading_options.js";
import { RecordingDetails } from "./recording_details.js";
import { runTable } from "./run_table.js";
import { Selection } from "./selection.js";
import { unfinishedUpload } from "./unfinished_upload.js";
import { limits } from "./upload.js";
import { isSending, startUpload, uploadNodes } from "./uploads.js";

/**
 * @typedef {object} Recordings
 * @property {import("./run_table.js").Run[]} runs
 * @property {number} total Recordings that match the search.
 * @property {number} all
 * @property {Record<string, number>} counts
 * @property {import("./unfinished_upload.js").StoredUpload[]} uploads
 * @property {string[]} folders
 * @property {number | null} kept_days Null: until deleted.
 * @property {number} most_bytes
 * @property {number} chunk
 */

const REFRESH_MS = 2000;
/** While nothing waits or is analysed, the list is read once in so many refreshes. */
const QUIET_TICKS = 5;
const FOLDER_HINT = _(
  "In a folder that the owner allows (MOODLINE_RECORDING_FOLDERS); the files stay " +
    "where they are. To analyse new files as they arrive: moodline schedule add-folder " +
    "FOLDER --every 10m",
);
const EMPTY_HINT = _(
  "Drop a recording above. moodline analyses every frame and stores times, tracks and " +
    "expressions.",
);

/**
 * @param {HTMLElement} root
 * @returns {() => void}
 */
export function showList(root) {
  const isOperator = Boolean(root.dataset.operator);
  const lifetime = new Lifetime();
  const error = errorLine();
  const sending = make("div", { class: "upload-list", id: "sending" }, ...uploadNodes());
  const unfinished = make("div", { class: "upload-list" });
  const table = make("div");
  const folders = make("datalist", { id: "folder-choices" });
  let drawn = "";

  /** @param {File[]} files */
  const send = (files) => {
    if (!mayRead()) return;
    for (const file of files) {
      const entered = { ...reading.entered(), ...details.entered() };
      startUpload(file, sending, entered).then(async (run) => {
        if (!run || lifetime.ended) return;
        await refresh();
        /** @type {HTMLElement | null} */
        const link = document.querySelector(`[data-run-id="${run}"] a`);
        link?.focus();
      });
    }
  };
  const { zone, input, note } = fileZone(send);
  const reading = new ReadingOptions();
  const details = new RecordingDetails();
  const view = new LibraryView(lifetime, () => {
    drawn = "";
    refresh();
  });
  const selection = new Selection(root, {
    isOperator,
    onChange: () => {
      drawn = "";
      refresh();
    },
  });

  /** Whether the options are complete; if not, show why. */
  const mayRead = () => {
    error.textContent = reading.trouble;
    if (error.textContent) reading.open();
    return !error.textContent;
  };

  let isQuiet = false;
  let asked = 0;
  const refresh = async () => {
    const number = (asked += 1);
    try {
      const found = await request(`recordings/list?${view.query}`);
      // An answer to an earlier question may come later.
      if (!lifetime.ended && number === asked) draw(found);
    } catch (failure) {
      if (!lifetime.ended) error.textContent = messageOf(failure);
    }
  };

  /** @param {() => Promise<unknown>} action */
  const act = async (action) => {
    error.textContent = "";
    try {
      await action();
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
    refresh();
  };

  /** @param {Recordings} found */
  const draw = (found) => {
    Object.assign(limits, { maxBytes: found.most_bytes, chunkBytes: found.chunk });
    note.textContent = keepNote(found);
    folders.replaceChildren(...found.folders.map((value) => make("option", { value })));
    const others = isOperator ? found.uploads.filter((upload) => !isSending(upload)) : [];
    isQuiet = !found.counts.open && !found.uploads.length;
    selection.update(view.matching, found.total);
    view.draw(found);
    const key = JSON.stringify([found, others, view.query]);
    if (key === drawn) return;
    drawn = key;
    redrawKeepingFocus(root, () => {
      unfinished.replaceChildren(
        ...others.map((upload) => unfinishedUpload(upload, act, () => input.click())),
      );
      table.replaceChildren(
        found.runs.length
          ? runTable(found.runs, { isOperator, act, selection, view })
          : emptyList(isOperator, found.all),
      );
    });
  };

  const folder = folderForm(folders, error, refresh, () =>
    mayRead() ? { ...reading.entered(), ...details.enteredForFolder() } : null,
  );
  const news = [error, sending, unfinished]; // Below the zone, where they are seen on a phone, too.
  const forms = isOperator ? [zone, ...news, details.node, reading.node, folder] : news;
  root.replaceChildren(...forms, view.node, selection.node, table, view.pager);
  if (isOperator) acceptFiles(lifetime, zone, send);
  let ticks = 0;
  lifetime.repeat(async () => {
    ticks += 1;
    if (!isQuiet || ticks % QUIET_TICKS === 0) await refresh();
  }, REFRESH_MS);
  return () => {
    lifetime.end();
    reading.end();
  };
}

/** @param {(files: File[]) => void} send */
function fileZone(send) {
  const input = make("input", {
    type: "file",
    id: "recording-files",
    multiple: true,
    accept: "video/*,.mkv,.ts,.mts,.m2ts,.mxf",
    class: "unseen",
    onchange: () => {
      send([...(input.files ?? [])]);
      input.value = "";
    },
  });
  const note = make("p", { class: "soft" });
  const zone = make(
    "div",
    { class: "drop panel" },
    make("p", { class: "drop-line", text: _("Drop recordings here.") }),
    make(
      "div",
      { class: "drop-ways" },
      make("label", { for: "recording-files", class: "button", text: _("Choose recordings") }),
      input,
    ),
    note,
  );
  return { zone, input, note };
}

/**
 * @param {HTMLDataListElement} folders
 * @param {HTMLElement} error
 * @param {() => Promise<void>} refresh
 * @param {() => import("./reading_options.js").Reading | null} reading Null: not complete.
 */
function folderForm(folders, error, refresh, reading) {
  const path = make("input", {
    id: "folder-path",
    maxlength: "4096",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    list: folders.id,
  });
  const result = make("div", { role: "status", class: "soft" });
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    error.textContent = "";
    const options = reading();
    if (!options) return;
    result.textContent = _("Reading the folder …");
    try {
      const { queued, refused } = await post("recordings/folder", {
        path: path.value.trim(),
        ...options,
      });
      result.textContent = refused.length
        ? _("{queued} queued; {refused} refused: {reason}.", {
            queued: number(queued),
            refused: number(refused.length),
            reason: known(refused[0]),
          })
        : n_("{count} queued.", "{count} queued.", queued);
      refresh();
    } catch (failure) {
      result.textContent = "";
      error.textContent = messageOf(failure);
    }
  };
  const pathField = field(_("A file or folder on the server"), path, FOLDER_HINT);
  pathField.append(folders);
  return make(
    "form",
    { class: "panel folder-form", onsubmit: submit },
    pathField,
    make("button", { type: "submit", class: "button quiet", text: _("Analyse") }),
    result,
  );
}

/**
 * @param {boolean} isOperator
 * @param {number} all Recordings that there are.
 */
const emptyList = (isOperator, all) =>
  all
    ? make(
        "div",
        { class: "empty" },
        make("p", { text: _("No recording matches.") }),
        make("p", { text: _("Change the search, or show all.") }),
      )
    : make(
        "div",
        { class: "empty" },
        make("p", { text: _("No recording is analysed yet.") }),
        make("p", { text: isOperator ? EMPTY_HINT : _("An operator can send recordings.") }),
      );

/** @param {Recordings} found */
function keepNote({ kept_days: days, most_bytes: maxBytes }) {
  const limit = maxBytes ? _("At most {size} per file.", { size: fileSize(maxBytes) }) : "";
  let kept = _("Files that you send are kept until you delete them. The results stay.");
  if (days === 0) {
    kept = _("Files that you send are deleted once they are analysed. The results stay.");
  } else if (days !== null) {
    kept = n_(
      "Files that you send are deleted {count} day after their analysis. The results stay.",
      "Files that you send are deleted {count} days after their analysis. The results stay.",
      days,
    );
  }
  return `${limit} ${kept}`.trim();
}
