// @ts-check
/* The page Trends: what stands around its charts. Dash draws the charts themselves. */
import { messageOf, request } from "../kit/api.js";
import { byId, make, redrawKeepingFocus } from "../kit/dom.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { zoneParameter } from "./address.js";
import { comparisonPanel } from "./comparison.js";
import { momentsPanel } from "./moments.js";
import { SourceList } from "./source_list.js";
import { showTools } from "./tools.js";
import { noWeekPanel, weekPanel } from "./week.js";
import { followZoom } from "./zoom.js";

/**
 * @typedef {object} Details
 * @property {import("./comparison.js").Comparison} compared
 * @property {import("./week.js").Hour[]} heat
 * @property {string} heat_trouble Why the hours of the week are not shown, or "".
 * @property {import("./moments.js").Moment[]} moments
 * @property {number} step_s
 */

definePage("trends", (root) => {
  const lifetime = new Lifetime();
  const place = byId("trends-extras");
  const adaptTools = showTools(root);
  let measure = "person";
  let requests = 0;

  /** @param {string} search */
  const load = async (search) => {
    requests += 1;
    const mine = requests;
    const isOutdated = () => lifetime.ended || mine !== requests;
    const query = search.replace(/^\?/, "");
    adaptTools(query);
    try {
      const details = await request(`trends/extras?${query}&${zoneParameter()}`);
      if (!isOutdated()) draw(details);
    } catch (error) {
      if (isOutdated()) return;
      place.replaceChildren(make("p", { class: "trouble", role: "alert", text: messageOf(error) }));
    }
  };

  /** @param {Details} details */
  const draw = (details) => {
    const changeMeasure = (/** @type {string} */ chosen) => {
      measure = chosen;
      draw(details);
    };
    redrawKeepingFocus(place, () =>
      place.replaceChildren(
        comparisonPanel(details.compared),
        details.heat_trouble
          ? noWeekPanel(details.heat_trouble)
          : weekPanel(details.heat, measure, changeMeasure),
        momentsPanel(details.moments, details.step_s),
      ),
    );
  };

  new SourceList(lifetime, byId("sources"));
  followZoom(lifetime);
  lifetime.listen(window, "moodline-view", (event) => load(event.detail || location.search));
  return () => lifetime.end();
});
