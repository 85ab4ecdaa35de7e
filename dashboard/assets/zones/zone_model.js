// @ts-check
/* The zones that are being drawn: their changes, and the way back. */

/** @typedef {import("../kit/zones.js").Zone} Zone */
/** @typedef {import("../kit/zones.js").Kind} Kind */
/** @typedef {import("../kit/zones.js").Point} Point */

export const MIN_CORNERS = 3;
/** The server refuses more. */
const MAX_CORNERS = 40;
export const MAX_ZONES = 20;
const MAX_UNDO = 100;
const GRID = 10_000;
/** Where a first rectangle lies, from its edges. */
const INSET = 0.3;

/** Zones, the chosen one, the outline that is being drawn, and what can be undone. */
export class ZoneModel {
  /** @type {Zone[]} */
  zones;
  /** The index of the chosen zone; -1: none. */
  chosen = -1;
  /** @type {{ kind: Kind, points: Point[] } | null} A zone that has no end yet. */
  draft = null;
  #saved;
  /** @type {string[]} */
  #before = [];
  #changed;

  /**
   * @param {Zone[]} zones
   * @param {() => void} changed Called after each change.
   */
  constructor(zones, changed) {
    this.#saved = JSON.stringify(zones);
    this.zones = JSON.parse(this.#saved);
    this.#changed = changed;
  }

  get isChanged() {
    return JSON.stringify(this.zones) !== this.#saved;
  }

  get canUndo() {
    return this.#before.length > 0 || Boolean(this.draft?.points.length);
  }

  /** The zone that is chosen. */
  get current() {
    return this.zones[this.chosen] ?? null;
  }

  /** @param {number} index */
  choose(index) {
    this.chosen = index;
    this.#changed();
  }

  /** Keep the state, so that the change that follows can be undone. */
  remember() {
    this.#before = [...this.#before, JSON.stringify(this.zones)].slice(-MAX_UNDO);
  }

  /** Undo the last corner of an outline, or the last change. */
  undo() {
    if (this.draft?.points.length) {
      this.draft.points.pop();
    } else {
      const before = this.#before.pop();
      if (before === undefined) return;
      this.zones = JSON.parse(before);
      this.chosen = Math.min(this.chosen, this.zones.length - 1);
    }
    this.#changed();
  }

  /** @param {Kind} kind */
  begin(kind) {
    this.draft = { kind, points: [] };
    this.chosen = -1;
    this.#changed();
  }

  /** End an outline without a zone. */
  cancel() {
    this.draft = null;
    this.#changed();
  }

  /** @param {Point} point */
  addCorner(point) {
    if (!this.draft || this.draft.points.length >= MAX_CORNERS) return;
    this.draft.points.push(onPicture(point));
    this.#changed();
  }

  /** Make a zone of the outline; of a rectangle in the middle if it has too few corners. */
  finish() {
    if (!this.draft) return;
    const { kind, points } = this.draft;
    const [low, high] = [INSET, 1 - INSET];
    /** @type {Point[]} */
    const rectangle = [
      [low, low],
      [high, low],
      [high, high],
      [low, high],
    ];
    this.remember();
    const corners = points.length < MIN_CORNERS ? rectangle : points;
    this.zones.push({ kind, name: this.#freeName(kind), points: corners });
    this.draft = null;
    this.chosen = this.zones.length - 1;
    this.#changed();
  }

  /** @param {number} index */
  remove(index) {
    this.remember();
    this.zones.splice(index, 1);
    this.chosen = Math.min(this.chosen, this.zones.length - 1);
    this.#changed();
  }

  /**
   * @param {number} index
   * @param {{ kind?: Kind, name?: string }} values
   */
  edit(index, values) {
    this.remember();
    Object.assign(this.zones[index], values);
    this.#changed();
  }

  /**
   * Move a corner of the chosen zone, without a redrawing.
   * @param {number} corner
   * @param {Point} to
   */
  moveCorner(corner, to) {
    if (this.current) this.current.points[corner] = onPicture(to);
  }

  /**
   * Move the chosen zone as far as it stays on the picture, without a redrawing.
   * @param {Point[]} from Its corners before the move.
   * @param {number} right
   * @param {number} down
   */
  moveZone(from, right, down) {
    if (!this.current) return;
    const [x, y] = [from.map(([one]) => one), from.map(([, one]) => one)];
    const dx = Math.min(Math.max(right, -Math.min(...x)), 1 - Math.max(...x));
    const dy = Math.min(Math.max(down, -Math.min(...y)), 1 - Math.max(...y));
    this.current.points = from.map(([left, top]) => onPicture([left + dx, top + dy]));
  }

  /**
   * Put a corner between this one and the next.
   * @param {number} corner
   */
  split(corner) {
    const points = this.current?.points;
    if (!points || points.length >= MAX_CORNERS) return;
    this.remember();
    const [[x0, y0], [x1, y1]] = [points[corner], points[(corner + 1) % points.length]];
    points.splice(corner + 1, 0, onPicture([(x0 + x1) / 2, (y0 + y1) / 2]));
    this.#changed();
  }

  /**
   * Remove a corner, if enough are left.
   * @param {number} corner
   */
  removeCorner(corner) {
    const points = this.current?.points;
    if (!points || points.length <= MIN_CORNERS) return;
    this.remember();
    points.splice(corner, 1);
    this.#changed();
  }

  /**
   * Move each corner of each zone, as the picture is turned.
   * @param {(point: Point) => Point} move
   */
  moveAll(move) {
    for (const zone of this.zones) zone.points = zone.points.map((one) => onPicture(move(one)));
    this.#before = [];
    if (this.draft) this.draft.points = this.draft.points.map((one) => onPicture(move(one)));
    this.#changed();
  }

  /** Tell of corners that were moved. */
  notify() {
    this.#changed();
  }

  /** @param {Kind} kind */
  #freeName(kind) {
    const names = new Set(this.zones.map(({ name }) => name));
    let number = 1;
    while (names.has(`${kind} ${number}`)) number += 1;
    return `${kind} ${number}`;
  }
}

/**
 * Whether two edges cross, so that it is not clear what is inside.
 * @param {Point[]} points
 */
export function crossesItself(points) {
  const edges = points.map((point, index) => [point, points[(index + 1) % points.length]]);
  return edges.some(([a, b], one) =>
    edges.slice(one + 1).some(([c, d]) => {
      const apart = side(a, b, c) * side(a, b, d) < 0;
      return apart && side(c, d, a) * side(c, d, b) < 0;
    }),
  );
}

/**
 * @param {Point} a
 * @param {Point} b
 * @param {Point} c
 */
const side = (a, b, c) =>
  Math.sign(Math.round(((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) * GRID ** 2));

/**
 * The nearest point of the picture that the server stores as it is.
 * @param {Point} point
 * @returns {Point}
 */
const onPicture = ([x, y]) => [inside(x), inside(y)];

/** @param {number} value */
const inside = (value) => Math.round(Math.min(Math.max(value, 0), 1) * GRID) / GRID;
