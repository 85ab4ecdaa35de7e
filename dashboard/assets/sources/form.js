// @ts-check
/* The form to add or edit a source, and to test its address. */
import { messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { errorLine, field, quietButton } from "../kit/forms.js";
import { facts } from "../kit/tables.js";
import { stillFaces } from "../kit/reading.js";
import { turnControls } from "../kit/turn.js";

/** @typedef {import("./row.js").Source} Source */

const ADDRESS_HINT =
  "rtsp://, rtsps://, http:// (MJPEG, HLS), or the number of a webcam on moodline's machine: 0 is " +
  "the first. A password is stored encrypted and never shown again.";

const TURN_HINT =
  "For a camera on its side, or one that shows a mirror image. Test shows the result. Zones move " +
  "with the picture.";

/**
 * @param {Source | null} source To edit; null to add one.
 * @param {string} kind Of a new one: webcam or camera.
 * @param {{ saved: (message: string) => void, cancelled: () => void }} on
 * @returns {HTMLFormElement}
 */
export function sourceForm(source, kind, on) {
  const name = make("input", {
    id: "source-name",
    maxlength: "64",
    required: true,
    value: source?.name ?? "",
    autocomplete: "off",
    readonly: source !== null,
  });
  const uri = make("input", {
    id: "source-uri",
    maxlength: "2048",
    required: !source,
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
    "aria-describedby": "source-uri-hint",
    value: !source && kind === "webcam" ? "0" : "",
    placeholder: source ? "unchanged" : "rtsp://user:password@camera.local/live",
  });
  const fps = make("input", {
    id: "source-fps",
    type: "number",
    min: "0.1",
    max: "240",
    step: "any",
    value: source?.fps_limit || "5",
    required: true,
  });
  const tags = make("input", {
    id: "source-tags",
    maxlength: "400",
    autocomplete: "off",
    value: source?.tags.join(", ") ?? "",
  });
  const turn = turnControls("source", source, {
    plain: "As the camera sends it",
    hint: TURN_HINT,
  });
  const still = stillFaces("source-still-faces", source?.keep_static ?? null);
  const error = errorLine();
  const save = make("button", {
    type: "submit",
    class: "button",
    text: source ? "Save" : "Add it",
  });

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    error.textContent = "";
    save.disabled = true;
    const entered = {
      name: name.value.trim(),
      uri: uri.value.trim(),
      fps: Number(fps.value),
      tags: tags.value
        .split(",")
        .map((tag) => tag.trim())
        .filter(Boolean),
      ...turn.entered(),
      keep_static: still.entered(),
    };
    try {
      await post(`sources/${source ? "edit" : "add"}`, entered);
      on.saved(
        source
          ? `${entered.name} was saved and is opened again.`
          : `${entered.name} was added. It is read within seconds.`,
      );
    } catch (failure) {
      error.textContent = messageOf(failure);
    }
    save.disabled = false;
  };

  const tested = () => ({ uri: uri.value.trim(), name: source?.name ?? "", ...turn.entered() });
  const { button: test, result } = addressTest(tested, error);
  const title = source ? `Edit ${source.name}` : "Add a source";
  return make(
    "form",
    { class: "panel source-form", "aria-label": title, onsubmit: submit },
    make("h2", { text: title }),
    make(
      "div",
      { class: "form-grid" },
      field(
        "Name",
        name,
        source ? "It cannot be changed: records refer to it." : "Shown wherever the source is.",
      ),
      field(
        "Address",
        uri,
        source ? `Now ${source.uri}. Leave empty to keep it, with its password.` : ADDRESS_HINT,
      ),
      field(
        "Frames analysed per second, at most",
        fps,
        "5 are enough to follow expressions. Other frames are counted as left out.",
      ),
      field("Tags", tags, "To group sources, separated by commas: entrance, floor 2."),
      ...turn.fields,
      still.field,
    ),
    error,
    result,
    make("div", { class: "toolbar" }, save, test, quietButton("Cancel", on.cancelled)),
  );
}

/**
 * A button that opens the source on the server, and a place for what it finds.
 * @param {() => { uri: string, name: string, rotate: number, mirror: boolean }} tested Without an
 *   address, that of the source with this name.
 * @param {HTMLElement} error
 */
function addressTest(tested, error) {
  const result = make("div", { class: "test-result", role: "status" });
  const run = async () => {
    error.textContent = "";
    button.disabled = true;
    result.replaceChildren(
      make("p", { class: "soft", text: "Opening the source for three seconds …" }),
    );
    try {
      const found = await post("sources/test", tested());
      result.replaceChildren(...testResult(found));
    } catch (failure) {
      result.replaceChildren();
      error.textContent = messageOf(failure);
    }
    button.disabled = false;
  };
  const button = quietButton("Test", run);
  return { button, result };
}

/**
 * @param {{ picture: string, width: number, height: number, codec: string, fps: number,
 *   rate: number | null, first_picture_s: number, faces: number, with_face: number,
 *   looked: number, corrupt: number }} found rate: the declared frame rate. looked: frames examined.
 */
function testResult(found) {
  const { faces, with_face: withFace, looked, corrupt, rate } = found;
  const inView = faces ? `up to ${faces} in view` : "no face in view";
  const declared = rate ? `; declared ${Math.round(rate * 100) / 100}` : "";
  return [
    make("img", {
      alt: `A frame of the source, faces blurred: ${inView}`,
      src: `data:image/jpeg;base64,${found.picture}`,
    }),
    facts(
      ["Picture", `${found.width} × ${found.height}, ${found.codec}`],
      ["Frame rate", `${found.fps} fps${declared}`],
      ["First frame", `after ${found.first_picture_s} s`],
      [
        "Faces",
        faces ? `up to ${faces}, in ${withFace} of ${looked} frames` : `none in ${looked} frames`,
      ],
      corrupt ? ["Not decodable", `${corrupt} packets`] : null,
    ),
  ];
}
