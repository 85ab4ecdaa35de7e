// @ts-check
/* The moments of a range: a button for each, which zooms to it. */
import { make } from "../kit/dom.js";
import { swatch } from "../kit/expressions.js";
import { localTime } from "../kit/format.js";
import { goTo, interval } from "./address.js";
import { percentOf } from "./shares.js";

/**
 * A large change of a share from one bucket to the next. at: seconds since 1970.
 * @typedef {{ at: number, source: string, label: string, before: number, now: number }} Moment
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
      text: "The largest changes from one bucket to the next. Choose one to zoom in.",
    }),
    items.length
      ? make("ol", { class: "moments" }, ...items)
      : make("p", {
          class: "soft",
          text: "No share changed by 5 points or more between two buckets with enough coverage.",
        }),
  );
}

/**
 * @param {Moment} moment
 * @param {number} index
 * @param {number} bucketS
 */
function momentButton({ at, source, label, before, now }, index, bucketS) {
  const zoomIn = () => {
    const around = BUCKETS_AROUND * bucketS * 1000;
    const end = Math.min(at * 1000 + around, Date.now());
    goTo({ zoom: interval(at * 1000 - around, end) });
    window.scrollTo({ top: 0 });
  };
  const time = localTime(at, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
  return make(
    "button",
    { type: "button", id: `moment-${index}`, "data-key": `moment-${index}`, onclick: zoomIn },
    swatch(label),
    make(
      "span",
      {},
      make("strong", { text: time }),
      make("br"),
      `${source}: ${label} ${percentOf(before)} to ${percentOf(now)}`,
    ),
  );
}
