// @ts-check
/* The list of the zones that are being drawn: their kinds and names. */
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { KINDS } from "../kit/zones.js";
import { crossesItself } from "./zone_model.js";

/** @typedef {import("../kit/zones.js").Kind} Kind */
/** @typedef {import("../kit/zones.js").Zone} Zone */
/** @typedef {import("./zone_model.js").ZoneModel} ZoneModel */

/**
 * A row for each zone.
 * @param {ZoneModel} model
 */
export const zoneList = (model) =>
  make(
    "ul",
    { class: "zone-list", "aria-label": _("Zones") },
    ...model.zones.map((zone, index) => row(model, zone, index)),
  );

/**
 * @param {ZoneModel} model
 * @param {Zone} zone
 * @param {number} index
 */
function row(model, zone, index) {
  const isChosen = model.chosen === index;
  const kind = make(
    "select",
    {
      "aria-label": _("Kind of {name}", { name: zone.name }),
      "data-key": `kind ${index}`,
      onchange: () => model.edit(index, { kind: /** @type {Kind} */ (kind.value) }),
    },
    ...Object.entries(KINDS).map(([value, { title }]) =>
      make("option", { value, text: title, selected: value === zone.kind }),
    ),
  );
  const name = make("input", {
    maxlength: "40",
    autocomplete: "off",
    value: zone.name,
    "aria-label": _("Name of zone {number}", { number: index + 1 }),
    "data-key": `name ${index}`,
    onchange: () => model.edit(index, { name: name.value.trim() }),
  });
  return make(
    "li",
    { class: isChosen ? "zone-row is-chosen" : "zone-row" },
    make("i", { class: `zone-chip chip-${zone.kind}`, "aria-hidden": "true" }),
    make("div", { class: "field" }, kind),
    make("div", { class: "field" }, name),
    quietButton(
      isChosen ? _("Shown") : _("Show corners"),
      () => model.choose(isChosen ? -1 : index),
      {
        "aria-pressed": String(isChosen),
        "aria-label": _("Corners of {name}", { name: zone.name }),
        "data-key": `choose ${index}`,
      },
    ),
    quietButton(_("Remove"), () => model.remove(index), {
      class: "button danger",
      "aria-label": _("Remove zone {name}", { name: zone.name }),
      "data-key": `remove ${index}`,
    }),
    crossesItself(zone.points)
      ? make("p", {
          class: "zone-problem",
          text: _("Its edges cross each other: move a corner, or make two zones of it."),
        })
      : null,
  );
}
