// @ts-check
/* The editor of a source's zones: its newest picture, on which they are drawn. */
import { base, messageOf, post } from "../kit/api.js";
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { confirmDialog, errorLine, field, quietButton } from "../kit/forms.js";
import { KINDS, legend } from "../kit/zones.js";
import { ZoneCanvas } from "./zone_canvas.js";
import { zoneList } from "./zone_list.js";
import { MAX_ZONES, MIN_CORNERS, ZoneModel } from "./zone_model.js";

/** @typedef {import("./row.js").Source} Source */
/** @typedef {import("../kit/zones.js").Kind} Kind */

const KIND_NAMES = /** @type {Kind[]} */ (Object.keys(KINDS));
const NO_CONTENT = 204;
const HELP =
  "Drag a corner, or move it with the arrow keys: with Shift by more, with Alt the whole zone. " +
  "Delete removes it. The small points between two corners add one.";

export class ZoneEditor {
  #source;
  #on;
  #model;
  #canvas;
  #error = errorLine();
  #hint = make("p", { class: "soft zone-hint", role: "status" });
  #tools = make("div", { class: "toolbar" });
  #list = make("div");
  #minFace;
  #save = make("button", {
    type: "button",
    class: "button",
    text: "Save",
    onclick: () => this.#send(),
  });
  #picture = "";

  /**
   * @param {Source} source
   * @param {{ saved: (message: string) => void, cancelled: () => void }} on
   */
  constructor(source, on) {
    this.#source = source;
    this.#on = on;
    this.#model = new ZoneModel(source.zones, () => this.#draw());
    this.#canvas = new ZoneCanvas(this.#model);
    this.#minFace = make("input", {
      id: "zone-min-face",
      type: "number",
      min: "12",
      max: "512",
      placeholder: "as in the settings",
      value: source.min_face_px ?? "",
    });
    const title = `Zones of ${source.name}`;
    this.node = make(
      "section",
      {
        class: "panel source-form zone-editor",
        "aria-label": title,
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      },
      make("h2", { text: title, tabindex: "-1" }),
      this.#tools,
      this.#hint,
      this.#canvas.node,
      legend(KIND_NAMES),
      this.#list,
      field(
        "Smallest face, pixels of the source",
        this.#minFace,
        "Smaller faces are left out, such as those of people who pass by far away.",
      ),
      this.#error,
      make(
        "div",
        { class: "toolbar" },
        this.#save,
        quietButton("Cancel", () => this.#leave()),
        quietButton("Take a new picture", () => this.#takePicture()),
      ),
    );
    this.#draw();
    this.#loadPicture();
  }

  /** Forget the picture. */
  end() {
    URL.revokeObjectURL(this.#picture);
  }

  /** Put the focus where the editor begins. */
  focus() {
    this.node.querySelector("h2")?.focus();
    this.node.scrollIntoView({ block: "start" });
  }

  #draw() {
    const { draft, zones } = this.#model;
    this.#canvas.draw();
    this.#hint.textContent = draft ? drawingHint(draft.kind, draft.points.length) : this.#help();
    redrawKeepingFocus(this.#tools, () => {
      this.#tools.replaceChildren(...(draft ? this.#drawingTools() : this.#addTools()));
    });
    redrawKeepingFocus(this.#list, () => {
      this.#list.replaceChildren(zones.length ? zoneList(this.#model) : "");
    });
    this.#save.disabled = draft !== null;
  }

  #help() {
    if (this.#model.current) return HELP;
    return this.#model.zones.length
      ? "Click a zone to change it. What is hatched is left out; what is black is never read."
      : "Nothing is left out: faces count wherever they are in the picture.";
  }

  #addTools() {
    const isFull = this.#model.zones.length >= MAX_ZONES;
    return [
      ...KIND_NAMES.map((kind) =>
        quietButton(`+ ${KINDS[kind].title}`, () => this.#begin(kind), {
          "aria-label": `Draw a zone: ${KINDS[kind].title}`,
          "data-key": `add ${kind}`,
          disabled: isFull,
        }),
      ),
      this.#undoButton(),
    ];
  }

  #drawingTools() {
    const isEnough = (this.#model.draft?.points.length ?? 0) >= MIN_CORNERS;
    return [
      make("button", {
        type: "button",
        class: "button",
        text: isEnough ? "Finish" : "Use a rectangle",
        "data-key": "finish",
        onclick: () => {
          this.#model.finish();
          this.#focusFirstCorner();
        },
      }),
      quietButton("Stop drawing", () => this.#model.cancel(), { "data-key": "stop" }),
      this.#undoButton(),
    ];
  }

  #undoButton() {
    return quietButton("Undo", () => this.#model.undo(), {
      "data-key": "undo",
      disabled: !this.#model.canUndo,
    });
  }

  /** @param {Kind} kind */
  #begin(kind) {
    this.#model.begin(kind);
    this.#focusKey("finish");
  }

  #focusFirstCorner() {
    this.#focusKey("corner 0");
  }

  /** @param {string} key */
  #focusKey(key) {
    const node = this.node.querySelector(`[data-key="${key}"]`);
    if (node instanceof HTMLElement) node.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === "Escape" && this.#model.draft) {
      event.preventDefault();
      this.#model.cancel();
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey) && !typing) {
      event.preventDefault();
      this.#model.undo();
    }
  }

  async #loadPicture() {
    const { name } = this.#source;
    this.#canvas.showBlank("Loading the newest picture …");
    const path = `${base()}api/sources/picture?name=${encodeURIComponent(name)}`;
    try {
      const answer = await fetch(path);
      if (answer.ok && answer.status !== NO_CONTENT) {
        this.end();
        this.#picture = URL.createObjectURL(await answer.blob());
        this.#canvas.showPicture(this.#picture, `Newest picture of ${name}`);
        return;
      }
    } catch {
      // The blank picture says it.
    }
    this.#canvas.showBlank("No current picture. Zones can be drawn without one, or take one.");
  }

  async #takePicture() {
    const { name, rotate, mirror } = this.#source;
    this.#error.textContent = "";
    this.#canvas.showBlank("Opening the source for three seconds …");
    this.#hint.textContent = "Opening the source for three seconds …";
    try {
      const found = await post("sources/test", { name, rotate, mirror });
      const address = `data:image/jpeg;base64,${found.picture}`;
      this.#canvas.showPicture(address, `A picture of ${name}, faces blurred`);
    } catch (failure) {
      this.#error.textContent = messageOf(failure);
      this.#canvas.showBlank("No picture.");
    }
    this.#draw();
  }

  async #send() {
    const { name, zones } = this.#source;
    const minFace = this.#minFace.value.trim();
    this.#error.textContent = "";
    if (!this.#minFace.reportValidity()) return;
    this.#save.disabled = true;
    try {
      await post("sources/zones", {
        name,
        zones: this.#model.zones,
        before: zones,
        min_face_px: minFace ? Number(minFace) : null,
      });
      this.#on.saved(`The zones of ${name} were saved. A new run begins with them.`);
    } catch (failure) {
      this.#error.textContent = messageOf(failure);
      this.#save.disabled = false;
    }
  }

  #leave() {
    const minFace = String(this.#source.min_face_px ?? "");
    if (!this.#model.isChanged && this.#minFace.value === minFace) {
      this.#on.cancelled();
      return;
    }
    confirmDialog(
      this.node,
      {
        name: "Discard the changes",
        title: "Discard the changes?",
        text: `The zones of ${this.#source.name} stay as they were.`,
        confirm: "Discard them",
        cancel: "Keep drawing",
      },
      this.#on.cancelled,
    );
  }
}

/**
 * What to do while an outline is drawn.
 * @param {Kind} kind
 * @param {number} corners
 */
const drawingHint = (kind, corners) =>
  corners < MIN_CORNERS
    ? `${KINDS[kind].title}: click its corners on the picture, one after the other. Esc stops.`
    : `${KINDS[kind].title}: click the first corner again, or Finish, to close it.`;
