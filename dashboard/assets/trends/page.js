// @ts-check
/* The page Trends: its charts, and what stands around them. */
import { messageOf, request } from "../kit/api.js";
import { byId, make, redrawKeepingFocus } from "../kit/dom.js";
import { inlineField } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { goTo, isSameView, zoneParameter } from "./address.js";
import { Charts } from "./charts.js";
import { comparisonPanel } from "./comparison.js";
import { showControls } from "./controls.js";
import { MEASURES } from "./measures.js";
import { MarksPanel } from "./marks.js";
import { momentsPanel } from "./moments.js";
import { RankingPanel } from "./ranking.js";
import { SavedViews } from "./saved_views.js";
import { SourceList } from "./source_list.js";
import { showTools } from "./tools.js";
import { noWeekPanel, weekPanel } from "./week.js";

/**
 * @typedef {object} Details
 * @property {import("./comparison.js").Comparison | null} compared
 * @property {import("./ranking.js").Source[]} sources
 * @property {import("./week.js").Hour[]} heat
 * @property {string} heat_trouble Why the hours of the week are not shown, or "".
 * @property {boolean} by_weeks
 * @property {import("./moments.js").Moment[]} moments
 * @property {import("./marks.js").Marker[]} markers
 * @property {import("./marks.js").Alert[]} alerts
 * @property {number} step_s
 * @property {string} rank
 * @property {number} since
 * @property {number} until
 */

definePage("trends", (root) => {
  const lifetime = new Lifetime();
  const place = byId("trends-extras");
  const tools = showTools(root);
  const select = make(
    "select",
    { id: "rank", "data-key": "rank", onchange: () => goTo({ rank: select.value }) },
    ...MEASURES.map(([value, text]) => make("option", { value, text })),
  );
  const chooser = inlineField(_("Ranked by"), select);
  chooser.classList.add("last");
  const ranking = new RankingPanel(chooser);
  const marks = new MarksPanel(Boolean(place.dataset.operator));
  let requests = 0;

  /** @param {string} search */
  const load = async (search) => {
    requests += 1;
    const mine = requests;
    // The address changes before the next view is asked for.
    const isOutdated = () =>
      lifetime.ended || mine !== requests || !isSameView(search, location.search);
    const query = search.replace(/^\?/, "");
    tools.follow(query);
    try {
      const details = await request(`trends/extras?${query}&${zoneParameter()}`);
      if (isOutdated()) return;
      tools.show(details);
      draw(details);
    } catch (error) {
      if (isOutdated()) return;
      place.replaceChildren(make("p", { class: "trouble", role: "alert", text: messageOf(error) }));
    }
  };

  /** @param {Details} details */
  const draw = (details) => {
    const { compared, sources, heat, heat_trouble, by_weeks, moments, step_s, rank } = details;
    redrawKeepingFocus(place, () => {
      select.value = rank;
      const names = sources.filter(({ tag }) => !tag).map(({ name }) => name);
      place.classList.toggle("is-compared", Boolean(compared));
      marks.draw(details.markers, details.alerts, names, step_s);
      ranking.draw(sources, heat, rank, by_weeks);
      place.replaceChildren(
        ranking.node,
        heat_trouble ? noWeekPanel(heat_trouble) : weekPanel(heat, rank, by_weeks),
        ...(compared ? [comparisonPanel(compared)] : []),
        marks.node,
        momentsPanel(moments, step_s),
      );
    });
  };

  showControls(lifetime);
  new SourceList(lifetime, byId("sources"));
  new SavedViews(lifetime, byId("views"));
  const charts = new Charts(lifetime, byId("charts"));
  lifetime.listen(window, "moodline-charts", (event) => charts.draw(event.detail));
  lifetime.listen(window, "moodline-view", (event) => load(event.detail || location.search));
  return () => lifetime.end();
});
