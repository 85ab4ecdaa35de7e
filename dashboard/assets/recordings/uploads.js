// @ts-check
/* All uploads of this tab. They continue whichever page is open. */
import { Upload } from "./upload.js";

/** @type {Map<string, Upload>} */
const uploads = new Map();

/**
 * Start to send a file, unless it is being sent already.
 * @param {File} file
 * @param {HTMLElement} place Of its progress.
 * @param {import("./reading_options.js").Reading} reading How its pictures are read.
 * @returns {Promise<string | null>} The id of its run; null if it failed or was cancelled.
 */
export async function startUpload(file, place, reading) {
  const key = Upload.keyOf(file);
  const earlier = uploads.get(key);
  if (earlier && !earlier.hasFailed) return null;
  earlier?.onGone();
  const upload = new Upload(file, reading, () => {
    upload.node.remove();
    uploads.delete(key);
  });
  uploads.set(key, upload);
  place.append(upload.node);
  return upload.send();
}

/** The elements of all uploads, for a page that is opened again. */
export const uploadNodes = () => [...uploads.values()].map((upload) => upload.node);

/**
 * Whether this tab sends that upload; also one whose id is still on its way to the tab.
 * @param {{ id: string, name: string, size: number }} listed
 */
export const isSending = ({ id, name, size }) =>
  [...uploads.values()].some((upload) =>
    upload.id
      ? upload.id === id
      : !upload.hasFailed && upload.file.name === name && upload.file.size === size,
  );

window.addEventListener("beforeunload", (event) => {
  if ([...uploads.values()].some((upload) => !upload.hasFailed)) event.preventDefault();
});
