// @ts-check
/* Zones that are drawn on a picture: the picture, the tools above it, and the list below. */
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { turnPoint, unturnPoint } from "../kit/turn.js";
import { KINDS, legend } from "../kit/zones.js";
import { ZoneCanvas } from "./zone_canvas.js";
import { zoneList } from "./zone_list.js";
import { MAX_ZONES, MIN_CORNERS, ZoneModel } from "./zone_model.js";

/** @typedef {import("../kit/zones.js").Kind} Kind */
/** @typedef {import("../kit/zones.js").Zone} Zone */
/** @typedef {import("../kit/turn.js").Turn} Turn */

const KIND_NAMES = /** @type {Kind[]} */ (Object.keys(KINDS));
const HELP = _(
  "Drag a corner, or move it with the arrow keys: with Shift by more, with Alt the " +
    "whole zone. Delete removes it. The small points between two corners add one.",
);

export class ZoneDrawing {
  #model;
  #canvas;
  #onChange;
  #hint = make("p", { class: "soft zone-hint", role: "status" });
  #tools = make("div", { class: "toolbar" });
  #list = make("div");

  /**
   * @param {Zone[]} zones
   * @param {() => void} onChange Called after each change.
   */
  constructor(zones, onChange) {
    this.#onChange = onChange;
    this.#model = new ZoneModel(zones, () => this.draw());
    this.#canvas = new ZoneCanvas(this.#model);
    this.node = make(
      "div",
      {
        class: "zone-drawing",
        onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
      },
      this.#tools,
      this.#hint,
      this.#canvas.node,
      legend(KIND_NAMES),
      this.#list,
    );
  }

  /** The zones as drawn, without an outline that has no end yet. */
  get zones() {
    return this.#model.zones;
  }

  get isChanged() {
    return this.#model.isChanged;
  }

  /** Whether an outline has no end yet. */
  get isDrawing() {
    return this.#model.draft !== null;
  }

  get hasPicture() {
    return this.#canvas.hasPicture;
  }

  /**
   * @param {string} address
   * @param {string} alt
   */
  showPicture(address, alt) {
    this.#canvas.showPicture(address, alt);
  }

  /**
   * Show the reason why there is no picture.
   * @param {string} text
   */
  showBlank(text) {
    this.#canvas.showBlank(text);
  }

  /** @param {string} text What happens to the picture. */
  say(text) {
    this.#hint.textContent = text;
  }

  /**
   * Keep the zones over what they covered, in a picture that is turned in another way.
   * @param {Turn} before
   * @param {Turn} after
   */
  turn(before, after) {
    this.#model.moveAll((point) => turnPoint(unturnPoint(point, before), after));
  }

  draw() {
    const { draft, zones } = this.#model;
    this.#canvas.draw();
    this.#hint.textContent = draft ? drawingHint(draft.kind, draft.points.length) : this.#help();
    redrawKeepingFocus(this.#tools, () => {
      this.#tools.replaceChildren(...(draft ? this.#drawingTools() : this.#addTools()));
    });
    redrawKeepingFocus(this.#list, () => {
      this.#list.replaceChildren(zones.length ? zoneList(this.#model) : "");
    });
    this.#onChange();
  }

  #help() {
    if (this.#model.current) return HELP;
    return this.#model.zones.length
      ? _("Click a zone to change it. What is hatched is left out; what is black is never read.")
      : _("Nothing is left out: faces count wherever they are in the picture.");
  }

  #addTools() {
    const isFull = this.#model.zones.length >= MAX_ZONES;
    return [
      ...KIND_NAMES.map((kind) =>
        quietButton(`+ ${KINDS[kind].title}`, () => this.#begin(kind), {
          "aria-label": _("Draw a zone: {kind}", { kind: KINDS[kind].title }),
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
        text: isEnough ? _("Finish") : _("Use a rectangle"),
        "data-key": "finish",
        onclick: () => {
          this.#model.finish();
          this.#focusKey("corner 0");
        },
      }),
      quietButton(_("Stop drawing"), () => this.#model.cancel(), { "data-key": "stop" }),
      this.#undoButton(),
    ];
  }

  #undoButton() {
    return quietButton(_("Undo"), () => this.#model.undo(), {
      "data-key": "undo",
      disabled: !this.#model.canUndo,
    });
  }

  /** @param {Kind} kind */
  #begin(kind) {
    this.#model.begin(kind);
    this.#focusKey("finish");
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
}

/**
 * What to do while an outline is drawn.
 * @param {Kind} kind
 * @param {number} corners
 */
const drawingHint = (kind, corners) =>
  corners < MIN_CORNERS
    ? _("{kind}: click its corners on the picture, one after the other. Esc stops.", {
        kind: KINDS[kind].title,
      })
    : _("{kind}: click the first corner again, or Finish, to close it.", {
        kind: KINDS[kind].title,
      });
