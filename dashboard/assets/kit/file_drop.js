// @ts-check
/* Files dropped anywhere on a page. */

/**
 * Hand dropped files to a function. The zone is highlighted while files are over the page.
 * @param {import("./lifetime.js").Lifetime} lifetime
 * @param {HTMLElement} zone
 * @param {(files: File[]) => void} onFiles
 */
export function acceptFiles(lifetime, zone, onFiles) {
  lifetime.listen(document, "dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  lifetime.listen(document, "dragleave", () => zone.classList.remove("over"));
  lifetime.listen(document, "drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) onFiles(files);
  });
}
