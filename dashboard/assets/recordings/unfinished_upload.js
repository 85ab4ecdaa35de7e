// @ts-check
/* An upload on the server that no tab is sending: a part of a file, all of it, or a refused file. */
import { post, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { fileSize } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _, pair } from "../kit/language.js";

/**
 * @typedef {object} StoredUpload
 * @property {string} id
 * @property {string} name
 * @property {number} size
 * @property {number} received
 * @property {string} error Why the file was refused, or "".
 */

/**
 * @param {StoredUpload} upload
 * @param {(action: () => Promise<unknown>) => void} run Runs an action and shows its error.
 * @param {() => void} chooseFile
 */
export function unfinishedUpload(upload, run, chooseFile) {
  const { id, name, size, received, error } = upload;
  const path = `recordings/upload/${id}`;
  const isComplete = received >= size;
  const button = (/** @type {string} */ text, /** @type {() => Promise<unknown>} */ action) =>
    quietButton(text, () => run(action), {
      "data-key": `${text} ${id}`,
      "aria-label": pair(text, name),
    });
  const proceed = isComplete
    ? button(_("Analyse"), () => post(`${path}/finish`))
    : button(_("Resume"), async () => chooseFile());
  return make(
    "section",
    { class: "panel upload", "aria-label": name },
    make(
      "div",
      { class: "upload-head" },
      make("h2", { text: name }),
      make(
        "div",
        { class: "row-buttons" },
        error ? null : proceed,
        button(_("Remove"), () => request(path, { method: "DELETE" })),
      ),
    ),
    error || isComplete ? null : receivedBar(upload),
    make(
      "p",
      error ? { class: "trouble", text: known(error) } : { class: "soft", text: note(upload) },
    ),
  );
}

/** @param {StoredUpload} upload */
const note = ({ size, received }) =>
  received >= size
    ? _("All {size} arrived. The file is not analysed yet.", { size: fileSize(size) })
    : _(
        "{received} of {size} arrived. Choose the same file again to resume; the upload is " +
          "deleted a day after its last part arrived.",
        { received: fileSize(received), size: fileSize(size) },
      );

/** @param {StoredUpload} upload */
const receivedBar = ({ name, size, received }) =>
  make("progress", {
    max: "1",
    value: received / size,
    "aria-label": _("Received of {name}", { name }),
  });
