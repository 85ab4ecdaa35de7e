// @ts-check
/* The editor of a source's zones: its newest picture, on which they are drawn. */
import { base, messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { confirmDialog, errorLine, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { smallestFace } from "../kit/reading.js";
import { ZoneDrawing } from "../zones/zone_drawing.js";

/** @typedef {import("./row.js").Source} Source */

const NO_CONTENT = 204;
const ASK_AGAIN_MS = 1000;

export class ZoneEditor {
  #source;
  #on;
  #drawing;
  #error = errorLine();
  #minFace;
  #save = make("button", {
    type: "button",
    class: "button",
    text: _("Save"),
    onclick: () => this.#send(),
  });
  #picture = "";
  #isTaking = false;
  #lifetime = new Lifetime();

  /**
   * @param {Source} source
   * @param {{ saved: (message: string) => void, cancelled: () => void }} on
   */
  constructor(source, on) {
    this.#source = source;
    this.#on = on;
    this.#drawing = new ZoneDrawing(source.zones, () => {
      this.#save.disabled = this.#drawing.isDrawing;
    });
    this.#minFace = smallestFace("zone-min-face", source.min_face_px);
    const title = _("Zones of {name}", { name: source.name });
    this.node = make(
      "section",
      { class: "panel source-form zone-editor", "aria-label": title },
      make("h2", { text: title, tabindex: "-1" }),
      this.#drawing.node,
      this.#minFace.field,
      this.#error,
      make(
        "div",
        { class: "toolbar" },
        this.#save,
        quietButton(_("Cancel"), () => this.#leave()),
        quietButton(_("Take a new picture"), () => this.#takePicture()),
      ),
    );
    this.#drawing.draw();
    this.#drawing.showBlank(_("Loading the newest picture …"));
    this.#loadPicture();
  }

  /** Forget the picture, and ask for none any more. */
  end() {
    this.#lifetime.end();
    URL.revokeObjectURL(this.#picture);
  }

  /** Put the focus where the editor begins. */
  focus() {
    this.node.querySelector("h2")?.focus();
    this.node.scrollIntoView({ block: "start" });
  }

  /** A run that begins with new zones has no picture at first: ask until there is one. */
  async #loadPicture() {
    const { name } = this.#source;
    const picture = await newestPicture(name);
    if (this.#lifetime.ended || this.#drawing.hasPicture) return;
    if (picture) {
      this.#picture = URL.createObjectURL(picture);
      this.#drawing.showPicture(this.#picture, _("Newest picture of {name}", { name }));
      return;
    }
    if (!this.#isTaking) {
      this.#drawing.showBlank(
        _("No current picture. Zones can be drawn without one, or take one."),
      );
    }
    this.#lifetime.after(() => this.#loadPicture(), ASK_AGAIN_MS);
  }

  async #takePicture() {
    const { name, rotate, mirror } = this.#source;
    this.#error.textContent = "";
    this.#isTaking = true;
    this.#drawing.showBlank(_("Opening the source for three seconds …"));
    this.#drawing.say(_("Opening the source for three seconds …"));
    try {
      const found = await post("sources/test", { name, rotate, mirror });
      const address = `data:image/jpeg;base64,${found.picture}`;
      this.#drawing.showPicture(address, _("A picture of {name}, faces blurred", { name }));
    } catch (failure) {
      this.#error.textContent = messageOf(failure);
      this.#drawing.showBlank(_("No picture."));
    }
    this.#isTaking = false;
    this.#drawing.draw();
  }

  async #send() {
    const { name, zones } = this.#source;
    this.#error.textContent = "";
    if (!this.#minFace.input.reportValidity()) return;
    this.#save.disabled = true;
    try {
      await post("sources/zones", {
        name,
        zones: this.#drawing.zones,
        before: zones,
        min_face_px: this.#minFace.entered(),
      });
      this.#on.saved(_("The zones of {name} were saved. A new run begins with them.", { name }));
    } catch (failure) {
      this.#error.textContent = messageOf(failure);
      this.#save.disabled = false;
    }
  }

  #leave() {
    if (!this.#drawing.isChanged && this.#minFace.entered() === this.#source.min_face_px) {
      this.#on.cancelled();
      return;
    }
    confirmDialog(
      this.node,
      {
        name: _("Discard the changes"),
        title: _("Discard the changes?"),
        text: _("The zones of {name} stay as they were.", { name: this.#source.name }),
        confirm: _("Discard them"),
        cancel: _("Keep drawing"),
      },
      this.#on.cancelled,
    );
  }
}

/**
 * Return the live view's picture of a source; null without one.
 * @param {string} name
 * @returns {Promise<Blob | null>}
 */
async function newestPicture(name) {
  try {
    const answer = await fetch(`${base()}api/sources/picture?name=${encodeURIComponent(name)}`);
    return answer.ok && answer.status !== NO_CONTENT ? await answer.blob() : null;
  } catch {
    return null;
  }
}
