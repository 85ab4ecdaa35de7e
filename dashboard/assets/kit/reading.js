// @ts-check
/* Controls for which faces count: the smallest ones, and those that do not move. */
import { make } from "./dom.js";
import { field } from "./forms.js";
import { _ } from "./language.js";

const STILL_HINT = _(
  "A face that does not move is a picture, or somebody who sleeps: moodline cannot " +
    "tell. Count them for people who lie still, and for recordings of photos.",
);

/**
 * @param {string} id
 * @param {number | null} value Pixels; null: as in the settings.
 */
export function smallestFace(id, value) {
  const input = make("input", {
    id,
    type: "number",
    min: "12",
    max: "512",
    placeholder: _("as in the settings"),
    value: value ?? "",
  });
  return {
    input,
    field: field(
      _("Smallest face, pixels of the source"),
      input,
      _("Smaller faces are left out, such as those of people who pass by far away."),
    ),
    /** @returns {number | null} */
    entered: () => (input.value.trim() ? Number(input.value) : null),
  };
}

/**
 * @param {string} id
 * @param {boolean | null} value Whether still faces count; null: as in the settings.
 */
export function stillFaces(id, value) {
  const select = make(
    "select",
    { id, "aria-describedby": `${id}-hint` },
    make("option", { value: "", text: _("As in the settings") }),
    make("option", { value: "no", text: _("Left out") }),
    make("option", { value: "yes", text: _("Counted") }),
  );
  select.value = value === null ? "" : value ? "yes" : "no";
  return {
    field: field(_("Still faces"), select, STILL_HINT),
    /** @returns {boolean | null} */
    entered: () => (select.value ? select.value === "yes" : null),
  };
}

/**
 * Whether still faces count, in words; "" if it is as in the settings.
 * @param {boolean | null} keepStatic
 */
export function stillFacesText(keepStatic) {
  if (keepStatic === null) return "";
  return keepStatic ? _("Still faces counted") : _("Still faces left out");
}
