// @ts-check
/* The browser's camera, to take one picture. */
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";

const JPEG_QUALITY = 0.92;

export class Camera {
  /** @type {MediaStream | null} */
  #stream = null;
  #onPicture;
  #video = make("video", {
    autoplay: true,
    playsinline: true,
    muted: true,
    "aria-label": _("The camera's picture"),
  });

  /** @param {(picture: Blob) => void} onPicture */
  constructor(onPicture) {
    this.#onPicture = onPicture;
    this.node = make(
      "div",
      { class: "panel camera", hidden: true },
      this.#video,
      make(
        "div",
        { class: "toolbar" },
        make("button", {
          type: "button",
          class: "button",
          text: _("Take a picture"),
          onclick: () => this.#take(),
        }),
        quietButton(_("Close the camera"), () => this.stop()),
      ),
    );
  }

  /** Raises an Error if the browser does not allow it. */
  async start() {
    if (!navigator.mediaDevices) {
      throw new Error(_("The browser allows cameras only on pages over https or on localhost."));
    }
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: false });
    } catch {
      throw new Error(_("No camera. Allow it for this page in the browser, or choose a picture."));
    }
    this.#video.srcObject = this.#stream;
    this.node.hidden = false;
  }

  stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.node.hidden = true;
  }

  #take() {
    const canvas = make("canvas");
    canvas.width = this.#video.videoWidth;
    canvas.height = this.#video.videoHeight;
    if (!canvas.width) return;
    canvas.getContext("2d")?.drawImage(this.#video, 0, 0);
    canvas.toBlob((blob) => blob && this.#onPicture(blob), "image/jpeg", JPEG_QUALITY);
  }
}
