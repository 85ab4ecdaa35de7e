// @ts-check
/* Privacy: what is stored and for how long, and a notice to print. */
import { base } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { field } from "../kit/forms.js";
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
      text:
        "Uploaded recordings and annotated videos show faces. They are kept " +
        `${videoTime(kept.uploads)}; an operator can delete them sooner. Recordings in folders ` +
        "stay where they are.",
    }),
    make("li", {
      text:
        "A face is a box, a time, a track within its recording, and seven probabilities. " +
        "Nobody is identified or compared with anyone.",
    }),
  ),
  facts(
    ["Rows of faces", keptTime(kept.faces)],
    ["Rows of frames", keptTime(kept.frames)],
    ["Rollups of minutes", keptTime(kept.minutes)],
    ["All other rollups", keptTime(kept.rollups)],
    ["Uploaded recordings, annotated videos", videoTime(kept.uploads)],
    ["Audit, but for receipts of erasures", keptTime(kept.audit)],
  ),
  make("p", {
    class: "help",
    text:
      "The time starts when a row is written; for videos when they are analysed or drawn. Set it " +
      `in the environment of the scheduler and the dashboard: ${SETTINGS}.`,
  }),
  make("p", {
    class: "help",
    text:
      "Inferring emotions of people at work or in schools is prohibited in the European Union " +
      "(AI Act, Article 5(1)(f)).",
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
      noticeField("place", "Place", "For example: Entrance hall."),
      noticeField("purpose", "Purpose", "For example: to see whether the new signs help."),
      noticeField(
        "contact",
        "Responsible, and how to reach them",
        "Required by law in many countries.",
      ),
    ),
    make(
      "div",
      { class: "toolbar" },
      make("button", { type: "submit", class: "button quiet", text: "Open the notice" }),
    ),
  );

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
  if (liveView === "off") return "No picture of a camera is stored or shown.";
  const faces = liveView === "clear" ? "with visible faces" : "with blurred faces";
  return (
    "No picture of a camera is stored. The newest of each live source is in the broker's memory " +
    `for 5 seconds, ${faces}.`
  );
}

/** @param {number} days 0: without limit. */
const keptTime = (days) => (days ? `${days} days` : "no limit");

/** @param {number} days Negative: without limit. */
function videoTime(days) {
  if (days < 0) return "until they are deleted";
  if (days === 0) return "until they are analysed";
  return days === 1 ? "for 1 day" : `for ${days} days`;
}
