// @ts-check
/* The picture on which zones are drawn: corners to click, to drag, and to move by keys. */
import { make, redrawKeepingFocus } from "../kit/dom.js";
import { _ } from "../kit/language.js";
import { svg, svgPoints, zoneLayer } from "../kit/zones.js";
import { cornerText, handle, middleOf, putAt } from "./zone_handles.js";
import { MIN_CORNERS } from "./zone_model.js";

/** @typedef {import("../kit/zones.js").Point} Point */

/** @type {Record<string, Point>} By key. */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.005;
const LONG_STEP = 0.05;
/** Of the stand-in for a picture. */
const [WIDE, HIGH] = [1280, 720];

export class ZoneCanvas {
  #model;
  #image = make("img", { alt: "", hidden: true, draggable: "false" });
  #blank = make("p", { class: "blank" });
  #drawn = make("div", { class: "zone-drawn" });
  #size = [WIDE, HIGH];
  /** @type {Point | null} Where the pointer is. */
  #pointer = null;

  /** @param {import("./zone_model.js").ZoneModel} model */
  constructor(model) {
    this.#model = model;
    this.node = make(
      "div",
      {
        class: "zone-canvas",
        onclick: (/** @type {MouseEvent} */ event) => this.#click(event),
        onpointermove: (/** @type {PointerEvent} */ event) => this.#follow(event),
        ondblclick: () => this.#finish(),
      },
      this.#image,
      this.#blank,
      this.#drawn,
    );
    this.#image.addEventListener("load", () => {
      this.#size = [this.#image.naturalWidth, this.#image.naturalHeight];
      this.node.style.aspectRatio = `${this.#size[0]} / ${this.#size[1]}`;
      this.draw();
    });
  }

  get hasPicture() {
    return !this.#image.hidden;
  }

  /**
   * Show a picture of the source.
   * @param {string} address
   * @param {string} alt
   */
  showPicture(address, alt) {
    this.#image.src = address;
    this.#image.alt = alt;
    this.#image.hidden = false;
    this.#blank.hidden = true;
  }

  /**
   * Show the reason why there is no picture.
   * @param {string} text
   */
  showBlank(text) {
    if (this.#image.hidden) this.#blank.textContent = text;
  }

  /** Draw the zones, and the handles of the chosen one. */
  draw() {
    this.node.classList.toggle("is-drawing", this.#model.draft !== null);
    redrawKeepingFocus(this.#drawn, () => {
      this.#drawn.replaceChildren(this.#outlines(), ...this.#bodies(), ...this.#handles());
    });
  }

  #outlines() {
    const [width, height] = this.#size;
    const layer = zoneLayer(this.#model.zones, width, height, "editor");
    const draft = this.#model.draft;
    if (draft) {
      const ends = this.#pointer ? [...draft.points, this.#pointer] : draft.points;
      const points = svgPoints(ends, width, height);
      layer.append(
        svg("polyline", { points, class: "zone-edge" }),
        svg("polyline", { points, class: `zone-line zone-draft zone-${draft.kind}` }),
      );
    }
    return layer;
  }

  /** An area for each zone that can be chosen and dragged. */
  #bodies() {
    if (this.#model.draft) return [];
    const [width, height] = this.#size;
    const bodies = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "zone-bodies" });
    this.#model.zones.forEach((zone, index) => {
      const body = svg("polygon", {
        points: svgPoints(zone.points, width, height),
        class: index === this.#model.chosen ? "zone-body is-chosen" : "zone-body",
      });
      body.addEventListener("pointerdown", (event) =>
        this.#dragZone(/** @type {PointerEvent} */ (event), index),
      );
      bodies.append(body);
    });
    return [bodies];
  }

  #handles() {
    const { draft, current } = this.#model;
    if (draft) return draft.points.map((point, index) => this.#draftCorner(point, index));
    if (!current) return [];
    const { points, name } = current;
    const middles = points.map((point, index) => {
      const label = _("Add a corner to {name}, after corner {number}", { name, number: index + 1 });
      return handle("middle", middleOf(points, index), label, `middle ${index}`, {
        onclick: () => this.#model.split(index),
      });
    });
    return [...points.map((point, index) => this.#corner(name, point, index)), ...middles];
  }

  /**
   * @param {string} name Of the zone.
   * @param {Point} point
   * @param {number} index
   */
  #corner(name, point, index) {
    return handle("corner", point, cornerText(name, point, index), `corner ${index}`, {
      onpointerdown: (/** @type {PointerEvent} */ event) => this.#dragCorner(event, index),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event, index),
    });
  }

  /**
   * @param {Point} point
   * @param {number} index
   */
  #draftCorner(point, index) {
    const closes = index === 0 && (this.#model.draft?.points.length ?? 0) >= MIN_CORNERS;
    return handle(
      closes ? "corner is-closing" : "corner",
      point,
      closes ? _("Close the zone") : _("Corner {number}", { number: index + 1 }),
      `draft ${index}`,
      { disabled: !closes, onclick: () => this.#model.finish() },
    );
  }

  /**
   * @param {KeyboardEvent} event
   * @param {number} corner
   */
  #key(event, corner) {
    const points = this.#model.current?.points;
    const arrow = ARROWS[event.key];
    if (!points) return;
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.#model.removeCorner(corner);
    } else if (arrow) {
      event.preventDefault();
      if (!event.repeat) this.#model.remember();
      const step = event.shiftKey ? LONG_STEP : STEP;
      const [right, down] = [arrow[0] * step, arrow[1] * step];
      const [x, y] = points[corner];
      if (event.altKey) this.#model.moveZone(points, right, down);
      else this.#model.moveCorner(corner, [x + right, y + down]);
      this.#model.notify();
    }
  }

  /**
   * @param {PointerEvent} event
   * @param {number} corner
   */
  #dragCorner(event, corner) {
    this.#drag(event, (point) => this.#model.moveCorner(corner, point));
  }

  /**
   * @param {PointerEvent} event
   * @param {number} index
   */
  #dragZone(event, index) {
    if (this.#model.chosen !== index) this.#model.choose(index);
    const from = [...(this.#model.current?.points ?? [])];
    const [x, y] = this.#pointOf(event);
    this.#drag(event, ([toX, toY]) => this.#model.moveZone(from, toX - x, toY - y));
  }

  /**
   * Follow the pointer until it is let go. The first movement can be undone, a click changes nothing.
   * @param {PointerEvent} start
   * @param {(point: Point) => void} move
   */
  #drag(start, move) {
    if (start.button) return;
    const ending = new AbortController();
    const { signal } = ending;
    let moved = false;
    const on = (/** @type {PointerEvent} */ event) => {
      if (event.pointerId !== start.pointerId) return;
      if (!moved && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < 3) {
        return;
      }
      if (!moved) this.#model.remember();
      moved = true;
      move(this.#pointOf(event));
      this.#place();
    };
    const end = (/** @type {PointerEvent} */ event) => {
      if (event.pointerId !== start.pointerId) return;
      ending.abort();
      if (moved) this.#model.notify();
    };
    window.addEventListener("pointermove", on, { signal });
    window.addEventListener("pointerup", end, { signal });
    window.addEventListener("pointercancel", end, { signal });
  }

  /** Draw the chosen zone where it is now. The handles stay: a finger may be on one of them. */
  #place() {
    const points = this.#model.current?.points ?? [];
    this.#drawn.firstElementChild?.replaceWith(this.#outlines());
    const places = [...points, ...points.map((_, index) => middleOf(points, index))];
    const [width, height] = this.#size;
    const body = this.#drawn.querySelector(".is-chosen");
    body?.setAttribute("points", svgPoints(points, width, height));
    /** @type {NodeListOf<HTMLElement>} */
    const handles = this.#drawn.querySelectorAll(".zone-handle");
    handles.forEach((handle, index) => putAt(handle, places[index]));
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const onHandle = event.target instanceof Element && event.target.closest(".zone-handle");
    if (!this.#model.draft || onHandle || event.detail > 1) return;
    this.#model.addCorner(this.#pointOf(event));
  }

  #finish() {
    const count = this.#model.draft?.points.length ?? 0;
    if (count >= MIN_CORNERS) this.#model.finish();
  }

  /** @param {PointerEvent} event */
  #follow(event) {
    if (!this.#model.draft || event.pointerType === "touch") return;
    this.#pointer = this.#pointOf(event);
    this.#drawn.firstElementChild?.replaceWith(this.#outlines());
  }

  /**
   * @param {MouseEvent} event
   * @returns {Point}
   */
  #pointOf(event) {
    const { left, top, width, height } = this.node.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }
}
