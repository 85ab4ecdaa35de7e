// @ts-check
/* Privacy: what is stored and for how long, and a notice to print. */
import { base } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { field } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";
import { chosenLanguage, offeredLanguages } from "../kit/language_switch.js";
import { facts } from "../kit/tables.js";

/** @typedef {Record<"faces" | "frames" | "minutes" | "rollups" | "uploads" | "audit", number>} KeptDays */

const SETTINGS = ["FACES", "FRAMES", "MINUTES", "ROLLUPS", "UPLOADS", "AUDIT"]
  .map((name) => `MOODLINE_KEEP_${name}_DAYS`)
  .join(", ");

/**
 * @param {KeptDays} kept
 * @param {string} liveView off, blurred or clear.
 */
export const keptContent = (kept, liveView) => [
  make(
    "ul",
    { class: "sentences" },
    make("li", { text: pictureText(liveView) }),
    make("li", {
      text: _(
        "Uploaded recordings and annotated videos show faces. They are kept {time}; an " +
          "operator can delete them sooner. Recordings in folders stay where they are.",
        { time: videoTime(kept.uploads) },
      ),
    }),
    make("li", {
      text: _(
        "A face is a box, a time, a track within its recording, and seven probabilities. " +
          "Nobody is identified or compared with anyone.",
      ),
    }),
  ),
  facts(
    [_("Rows of faces"), keptTime(kept.faces)],
    [_("Rows of frames"), keptTime(kept.frames)],
    [_("Rollups of minutes"), keptTime(kept.minutes)],
    [_("All other rollups"), keptTime(kept.rollups)],
    [_("Uploaded recordings, annotated videos"), videoTime(kept.uploads)],
    [_("Audit, but for receipts of erasures"), keptTime(kept.audit)],
  ),
  make("p", {
    class: "help",
    text: _(
      "The time starts when a row is written; for videos when they are analysed or drawn. " +
        "Set it in the environment of the scheduler and the dashboard: {settings}.",
      { settings: SETTINGS },
    ),
  }),
  make("p", {
    class: "help",
    text: _(
      "Inferring emotions of people at work or in education is prohibited in the European " +
        "Union, except for medical or safety reasons (AI Act, Article 5(1)(f)).",
    ),
  }),
];

/** A form that opens the notice in a new tab. */
export const noticeForm = () =>
  make(
    "form",
    { method: "get", action: `${base()}api/system/notice`, target: "_blank" },
    make(
      "div",
      { class: "form-grid" },
      noticeField("place", _("Place"), _("For example: Entrance hall.")),
      noticeField("purpose", _("Purpose"), _("For example: to see whether the new signs help.")),
      noticeField(
        "contact",
        _("Responsible, and how to reach them"),
        _("Required by law in many countries."),
      ),
      field(_("Language of the notice"), languageSelect()),
    ),
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button quiet", text: _("Open the notice") }),
    ),
  );

function languageSelect() {
  const select = make(
    "select",
    { id: "notice-language", name: "language" },
    ...offeredLanguages().map(([value, text]) => make("option", { value, text })),
  );
  select.value = chosenLanguage();
  return select;
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string} hint
 */
const noticeField = (name, label, hint) =>
  field(
    label,
    make("input", { id: `notice-${name}`, name, maxlength: "200", autocomplete: "off" }),
    hint,
  );

/** @param {string} liveView */
function pictureText(liveView) {
  if (liveView === "off") return _("No picture of a camera is stored or shown.");
  return liveView === "clear"
    ? _(
        "No picture of a camera is stored. The newest of each live source is in the broker's " +
          "memory for 5 seconds, with visible faces.",
      )
    : _(
        "No picture of a camera is stored. The newest of each live source is in the broker's " +
          "memory for 5 seconds, with blurred faces.",
      );
}

/** @param {number} days 0: without limit. */
const keptTime = (days) => (days ? n_("{count} day", "{count} days", days) : _("no limit"));

/** @param {number} days Negative: without limit. */
function videoTime(days) {
  if (days < 0) return _("until they are deleted");
  if (days === 0) return _("until they are analysed");
  return n_("for {count} day", "for {count} days", days);
}
