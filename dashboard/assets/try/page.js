// @ts-check
/* The page Try an image: the server analyses an image and does not store it. */
import { messageOf, request } from "../kit/api.js";
import { byId, make } from "../kit/dom.js";
import { acceptFiles } from "../kit/file_drop.js";
import { fileSize } from "../kit/format.js";
import { errorLine, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { Camera } from "./camera.js";
import { resultContent } from "./result.js";

const MAX_BYTES = 10 * 1024 * 1024;

definePage("try", () => {
  const lifetime = new Lifetime();
  const error = errorLine();
  const status = make("p", { class: "soft", role: "status" });
  const result = make("div", { class: "try-result", hidden: true });
  const camera = new Camera((picture) => analyse(picture));
  let url = "";
  let requests = 0;

  /** @param {Blob} image */
  const analyse = async (image) => {
    requests += 1;
    const mine = requests;
    const isOutdated = () => lifetime.ended || mine !== requests;
    error.textContent = "";
    result.hidden = true;
    if (image.size > MAX_BYTES) {
      const size = fileSize(image.size);
      error.textContent = _("The image has {size}. The limit is 10 MB.", { size });
      return;
    }
    status.textContent = _("Looking for faces …");
    try {
      const headers = { "Content-Type": "application/octet-stream" };
      const found = await request("try/read", { method: "POST", body: image, headers });
      if (!isOutdated()) draw(image, found);
    } catch (failure) {
      if (!isOutdated()) error.textContent = messageOf(failure);
    }
    if (!isOutdated()) status.textContent = "";
  };

  /**
   * @param {Blob} image
   * @param {import("./result.js").ImageResult} found
   */
  const draw = (image, found) => {
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(image);
    result.replaceChildren(...resultContent(url, found));
    result.hidden = false;
  };

  const startCamera = async () => {
    error.textContent = "";
    await camera.start().catch((failure) => {
      error.textContent = messageOf(failure);
    });
  };

  const zone = imageZone(analyse, startCamera);
  byId("try").replaceChildren(zone, camera.node, error, status, result);
  acceptFiles(lifetime, zone, ([file]) => analyse(file));
  lifetime.listen(document, "paste", (/** @type {ClipboardEvent} */ event) => {
    const items = [...(event.clipboardData?.items ?? [])];
    const file = items.find((item) => item.type.startsWith("image/"))?.getAsFile();
    if (file) analyse(file);
  });
  lifetime.onEnd(() => {
    camera.stop();
    URL.revokeObjectURL(url);
  });
  return () => lifetime.end();
});

/**
 * @param {(file: File) => void} onFile
 * @param {() => void} onCamera
 */
function imageZone(onFile, onCamera) {
  const input = make("input", {
    type: "file",
    id: "try-file",
    accept: "image/jpeg,image/png,image/webp,image/gif",
    class: "unseen",
    onchange: () => {
      const file = input.files?.[0];
      if (file) onFile(file);
      input.value = "";
    },
  });
  return make(
    "div",
    { class: "drop panel" },
    make("p", { class: "drop-line", text: _("Drop an image here, or paste one.") }),
    make(
      "div",
      { class: "drop-ways" },
      make("label", { for: "try-file", class: "button", text: _("Choose an image") }),
      input,
      quietButton(_("Use the camera"), onCamera),
    ),
    make("p", {
      class: "soft",
      text: _(
        "JPEG, PNG, WebP or GIF, at most 10 MB. The image is analysed in memory and not " +
          "stored.",
      ),
    }),
  );
}
