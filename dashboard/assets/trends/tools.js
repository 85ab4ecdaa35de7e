// @ts-check
/* The tools above the charts: CSV, images, a link, and back out of a zoom. */
import { base } from "../kit/api.js";
import { byId, make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { goTo, isZoomed, permanentUrl, zoneParameter } from "./address.js";
import { downloadCharts } from "./chart_image.js";

/** @typedef {import("./address.js").Ends} Ends */

/**
 * Put the tools onto the page.
 * @param {HTMLElement} root
 * @returns {{ follow: (query: string) => void, show: (shown: Ends & { compared: Ends | null }) => void }}
 *   Adapts them to a view, and to what is shown of it.
 */
export function showTools(root) {
  const status = make("span", { class: "soft", role: "status" });
  const csv = make("a", {
    class: "button quiet",
    text: _("CSV"),
    title: _("The buckets of the charts, as numbers"),
  });
  const images = quietButton(_("Picture"), () => downloadCharts(root), {
    title: _("The charts as PNG"),
  });
  const whole = quietButton(_("Show the whole range"), () => goTo({ zoom: null }), {
    hidden: true,
  });
  /** @type {(Ends & { compared: Ends | null }) | null} */
  let shown = null;
  const link = quietButton(_("Copy link"), async () => {
    if (!shown) return;
    const url = permanentUrl(shown, shown.compared);
    try {
      await navigator.clipboard.writeText(url);
      status.textContent = _("Link copied. It always shows this range.");
    } catch {
      status.textContent = url;
    }
  });
  const parquet = make("a", {
    class: "button quiet",
    text: _("Parquet"),
    title: _("The same numbers with their types, for programs"),
  });
  const place = byId("trends-tools");
  parquet.hidden = !place.dataset.parquet;
  place.replaceChildren(csv, parquet, images, link, whole, status);
  return {
    follow(query) {
      whole.hidden = !isZoomed();
      const search = `${query}&${zoneParameter()}`;
      csv.href = `${base()}api/trends/csv?${search}`;
      parquet.href = `${base()}api/trends/parquet?${search}`;
    },
    show(details) {
      shown = details;
    },
  };
}
