// @ts-check
/* The moments of a range: each leads to its recording, or to its time of its source. */
import { make } from "../kit/dom.js";
import { labelName, swatch } from "../kit/expressions.js";
import { shortDateTime } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { interval, runHref } from "../kit/links.js";
import { goTo } from "./address.js";
import { percentOf } from "./shares.js";

/**
 * A surprising change of a share from one bucket to the next. at: seconds since 1970. source: as the
 * page names it; "" if it shows only one. name: of that source; null for several. recording: where
 * it is in a recording, if it is in one.
 * @typedef {{ at: number, source: string, name: string | null, label: string, before: number, now: number,
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
    { class: "panel moments-panel", "aria-label": _("Moments") },
    make("h2", { text: _("Moments") }),
    make("p", {
      class: "soft",
      text: _(
        "The most surprising changes of expression from one bucket to the next: large ones, " +
          "of many people. Choose one to see it in its recording, or to zoom in.",
      ),
    }),
    items.length
      ? make("ol", { class: "moments" }, ...items)
      : make("p", {
          class: "soft",
          text: _(
            "No expression changed by 5 points or more between two buckets with enough " +
              "person-time.",
          ),
        }),
  );
}

/**
 * @param {Moment} moment
 * @param {number} index
 * @param {number} bucketS
 */
function momentButton(moment, index, bucketS) {
  const { at, source, name, label, recording } = moment;
  const change = {
    label: labelName(label),
    before: percentOf(moment.before),
    now: percentOf(moment.now),
  };
  const zoomIn = () => {
    const around = BUCKETS_AROUND * bucketS * 1000;
    const end = Math.min(at * 1000 + around, Date.now());
    const zoom = interval(at * 1000 - around, end);
    goTo(name === null ? { zoom } : { zoom, sources: encodeURIComponent(name), tags: null });
    window.scrollTo({ top: 0 });
  };
  const content = [
    swatch(label),
    make(
      "span",
      {},
      make("strong", { text: shortDateTime(at) }),
      make("br"),
      source
        ? _("{source}: {label} {before} to {now}", { source, ...change })
        : _("{label} {before} to {now}", change),
    ),
  ];
  const same = { id: `moment-${index}`, "data-key": `moment-${index}` };
  if (!recording) return make("button", { type: "button", onclick: zoomIn, ...same }, ...content);
  const href = runHref(recording.run_id, recording.seconds);
  return make("a", { href, ...same }, ...content);
}
