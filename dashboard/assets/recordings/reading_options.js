// @ts-check
/* How new recordings are read: turned, with zones, and which faces count. */
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { smallestFace, stillFaces, stillFacesText } from "../kit/reading.js";
import { turnControls, turnText } from "../kit/turn.js";
import { zonesText } from "../kit/zones.js";
import { ZoneDrawing } from "../zones/zone_drawing.js";
import { firstPicture } from "./first_picture.js";

/**
 * @typedef {object} Reading
 * @property {number} rotate Degrees clockwise.
 * @property {boolean} mirror
 * @property {import("../kit/zones.js").Zone[]} zones
 * @property {number | null} min_face_px Null: the setting.
 * @property {boolean | null} keep_static Null: the setting.
 */

const TURN_HINT = _(
  "For recordings that lie on their side or are mirrored, beyond the rotation that " +
    "they name. The report says when all faces are turned.",
);
const NO_PICTURE = _("Zones can be drawn without a picture, or over one of a recording.");
const NOT_PLAYED = _("This browser cannot play that file. Zones can be drawn without a picture.");
const UNFINISHED = _(
  "A zone is being drawn: finish it, or stop drawing, before you add recordings.",
);

export class ReadingOptions {
  #turn = turnControls("upload", null, { plain: _("As it is recorded"), hint: TURN_HINT });
  #minFace = smallestFace("upload-min-face", null);
  #still = stillFaces("upload-still-faces", null);
  #drawing = new ZoneDrawing([], () => this.#summarise());
  #summary = make("summary");
  #turned = this.#turn.entered();
  /** @type {File | null} */
  #file = null;
  #picture = "";

  constructor() {
    const choose = make("input", {
      type: "file",
      accept: "video/*",
      class: "unseen",
      tabindex: "-1",
      "aria-hidden": "true",
      onchange: () => {
        this.#file = choose.files?.[0] ?? null;
        choose.value = "";
        this.#showPicture();
      },
    });
    this.node = make(
      "details",
      { class: "panel reading-options", onchange: () => this.#summarise() },
      this.#summary,
      make(
        "div",
        { class: "form-grid" },
        ...this.#turn.fields,
        this.#minFace.field,
        this.#still.field,
      ),
      this.#drawing.node,
      make(
        "div",
        { class: "toolbar" },
        quietButton(_("Show a picture of a recording"), () => choose.click()),
        choose,
        make("span", { class: "soft", text: _("It is read here, and not sent.") }),
      ),
    );
    for (const control of this.#turn.controls) {
      control.addEventListener("change", () => this.#turnPicture());
    }
    this.#drawing.showBlank(NO_PICTURE);
    this.#drawing.draw();
  }

  /** Why files cannot be read like this; "" if they can. */
  get trouble() {
    if (this.#drawing.isDrawing) return UNFINISHED;
    return this.#minFace.input.reportValidity() ? "" : _("The smallest face has 12 to 512 pixels.");
  }

  /** @returns {Reading} */
  entered() {
    return {
      ...this.#turn.entered(),
      zones: this.#drawing.zones,
      min_face_px: this.#minFace.entered(),
      keep_static: this.#still.entered(),
    };
  }

  /** Open the options where they have a problem. */
  open() {
    this.node.open = true;
  }

  /** Forget the picture. */
  end() {
    URL.revokeObjectURL(this.#picture);
  }

  #summarise() {
    const { zones, min_face_px: minFace, keep_static: keepStatic, ...turn } = this.entered();
    const parts = [
      turnText(turn),
      zonesText(zones, minFace).replace(/\.$/, ""),
      stillFacesText(keepStatic),
    ];
    const text = parts.filter(Boolean).join(" · ");
    this.#summary.textContent = _("How new recordings are read: {options}", {
      options: text || _("as in the settings"),
    });
  }

  #turnPicture() {
    const before = this.#turned;
    this.#turned = this.#turn.entered();
    this.#drawing.turn(before, this.#turned);
    this.#showPicture();
  }

  async #showPicture() {
    if (!this.#file) return;
    const [file, turn] = [this.#file, this.#turned];
    const picture = await firstPicture(file, turn);
    if (file !== this.#file || turn !== this.#turned) return;
    if (!picture) {
      this.#file = null;
      this.#drawing.say(NOT_PLAYED);
      return;
    }
    this.end();
    this.#picture = URL.createObjectURL(picture);
    this.#drawing.showPicture(this.#picture, _("A picture of {name}", { name: file.name }));
  }
}
