// @ts-check
/* The settings of a source: its address, its frame rate, its zones and which faces count. */
import { make } from "../kit/dom.js";
import { dateTime, NONE, number } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { stillFacesText } from "../kit/reading.js";
import { facts } from "../kit/tables.js";
import { turnText } from "../kit/turn.js";
import { zonesText } from "../kit/zones.js";

/** @param {import("./page.js").SourceAnswer} answer */
export function settingsPanel(answer) {
  const { live, tags, former_names: former, added_at: addedAt, removed_at: removedAt } = answer;
  return make(
    "section",
    { class: "panel source-settings", "aria-label": _("Settings and zones") },
    make("h2", { text: live ? _("Settings and zones") : _("About this source") }),
    facts(
      ...(live ? cameraFacts(live) : []),
      [_("Tags"), tags.join(", ") || NONE],
      [_("Added"), dateTime(addedAt)],
      removedAt ? [_("Removed"), dateTime(removedAt)] : null,
      former.length ? [_("Former names"), former.join(", ")] : null,
    ),
  );
}

/**
 * @param {import("../sources/row.js").Source} live
 * @returns {[string, string][]}
 */
function cameraFacts(live) {
  const { uri, fps_limit: limit, zones, min_face_px: minFace, rotate, mirror } = live;
  return [
    [_("Address"), uri || NONE],
    [_("Frames analysed per second, at most"), limit ? number(limit) : _("no limit")],
    [_("Zones and smallest face"), zonesText(zones, minFace) || _("the whole picture")],
    [_("Picture"), rotate || mirror ? turnText({ rotate, mirror }) : _("as the camera sends it")],
    [_("Still faces"), stillFacesText(live.keep_static) || _("as in the settings")],
  ];
}
