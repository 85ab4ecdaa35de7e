// @ts-check
/* The test of a source's address: a button, what it finds, and advice. */
import { post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { number } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";
import { facts } from "../kit/tables.js";

/**
 * A button that opens the source on the server, and a place for what it finds.
 * @param {() => { uri: string, name: string, rotate: number, mirror: boolean }} asked Without an
 *   address, that of the source with this name.
 * @param {() => void} begin Called before a test.
 * @param {(failure: unknown, again: () => void) => void} showFailure
 */
export function addressTest(asked, begin, showFailure) {
  const result = make("div", { class: "test-result", role: "status" });
  /** @param {(failure: unknown) => void} onFailure @returns {Promise<boolean>} Whether it works. */
  const run = async (onFailure) => {
    let works = false;
    begin();
    button.disabled = true;
    result.replaceChildren(
      make("p", { class: "soft", text: _("Opening the source for three seconds …") }),
    );
    try {
      const found = await post("sources/test", asked());
      result.replaceChildren(...testResult(found));
      works = true;
    } catch (failure) {
      result.replaceChildren();
      onFailure(failure);
    }
    button.disabled = false;
    return works;
  };
  /** Test, and show a failure with what can be done. */
  const press = () => run((failure) => showFailure(failure, press));
  const button = quietButton(_("Test"), press);
  return { button, result, run };
}

/**
 * @param {{ picture: string, width: number, height: number, codec: string, fps: number,
 *   rate: number | null, first_picture_s: number, faces: number, with_face: number,
 *   looked: number, corrupt: number }} found rate: the declared frame rate. looked: frames examined.
 */
function testResult(found) {
  const { faces, with_face: withFace, looked, corrupt, rate } = found;
  const fps = number(found.fps);
  return [
    make("img", {
      alt: faces
        ? _("A frame of the source, faces blurred: up to {faces} in view", { faces })
        : _("A frame of the source, faces blurred: no face in view"),
      src: `data:image/jpeg;base64,${found.picture}`,
    }),
    facts(
      [_("Picture"), `${found.width} × ${found.height}, ${found.codec}`],
      [
        _("Frame rate"),
        rate
          ? _("{fps} fps; declared {rate}", { fps, rate: number(Math.round(rate * 100) / 100) })
          : _("{rate} fps", { rate: fps }),
      ],
      [_("First frame"), _("after {seconds} s", { seconds: number(found.first_picture_s) })],
      [
        _("Faces"),
        faces
          ? _("up to {faces}, in {frames} of {looked} frames", { faces, frames: withFace, looked })
          : _("none in {looked} frames", { looked }),
      ],
      corrupt ? [_("Not decodable"), n_("{count} packet", "{count} packets", corrupt)] : null,
    ),
    ...hints(found).map((text) => make("p", { class: "soft", text })),
  ];
}

/** Larger pictures cost time to decode and are made smaller before they are searched. */
const LARGE_PX = 1920;

/**
 * Advice for a source that works.
 * @param {{ codec: string, width: number, height: number }} found
 */
function hints({ codec, width, height }) {
  const found = [];
  if (Math.max(width, height) > LARGE_PX) {
    found.push(
      _(
        "This is a large picture. The camera's substream is often enough for faces within a " +
          "few metres, and takes much less time to decode.",
      ),
    );
  }
  if (["hevc", "h265", "av1"].includes(codec)) {
    found.push(
      _(
        "It is H.265 or AV1, which takes more time to decode than H.264. If this machine is " +
          "busy, set the camera's stream or its substream to H.264.",
      ),
    );
  }
  return found;
}
