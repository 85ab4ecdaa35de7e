// @ts-check
/* The moments of a range: a button for each, which zooms to it. */
import { base } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { swatch } from "../kit/expressions.js";
import { shortDateTime } from "../kit/format.js";
import { goTo, interval } from "./address.js";
import { percentOf } from "./shares.js";

/**
 * A surprising change of a share from one bucket to the next. at: seconds since 1970. recording:
 * where it is in a recording, if it is in one.
 * @typedef {{ at: number, source: string, label: string, before: number, now: number,
 *   recording: { run_id: string, seconds: number } | null }} Moment
 */

const BUCKETS_AROUND = 6;

/**
 * @param {Moment[]} moments
 * @param {number} bucketS
 */
export function momentsPanel(moments, bucketS) {
  const items = moments.map((moment, index) =>
    make("li", {}, momentButton(moment, index, bucketS)),
  );
  return make(
    "section",
    { class: "panel", "aria-label": "Moments" },
    make("h2", { text: "Moments" }),
    make("p", {
      class: "soft",
      text:
        "The most surprising changes of expression from one bucket to the next: large ones, of " +
        "many people. Choose one to see it in its recording, or to zoom in.",
    }),
    items.length
      ? make("ol", { class: "moments" }, ...items)
      : make("p", {
          class: "soft",
          text: "No expression changed by 5 points or more between two buckets with enough person-time.",
        }),
  );
}

/**
 * @param {Moment} moment
 * @param {number} index
 * @param {number} bucketS
 */
function momentButton({ at, source, label, before, now, recording }, index, bucketS) {
  const zoomIn = () => {
    const around = BUCKETS_AROUND * bucketS * 1000;
    const end = Math.min(at * 1000 + around, Date.now());
    goTo({ zoom: interval(at * 1000 - around, end) });
    window.scrollTo({ top: 0 });
  };
  const content = [
    swatch(label),
    make(
      "span",
      {},
      make("strong", { text: shortDateTime(at) }),
      make("br"),
      `${source}: ${label} ${percentOf(before)} to ${percentOf(now)}`,
    ),
  ];
  const same = { id: `moment-${index}`, "data-key": `moment-${index}` };
  if (!recording) return make("button", { type: "button", onclick: zoomIn, ...same }, ...content);
  const run = encodeURIComponent(recording.run_id);
  const href = `${base()}recordings/${run}?t=${recording.seconds.toFixed(1)}`;
  return make("a", { href, ...same }, ...content);
}
