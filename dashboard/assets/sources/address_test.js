// @ts-check
/* The test of a source's address: a button, what it finds, and advice. */
import { post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
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
      make("p", { class: "soft", text: "Opening the source for three seconds …" }),
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
  const button = quietButton("Test", press);
  return { button, result, run };
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
      "This is a large picture. The camera's substream is often enough for faces within a few " +
        "metres, and takes much less time to decode.",
    );
  }
  if (["hevc", "h265", "av1"].includes(codec)) {
    found.push(
      "It is H.265 or AV1, which takes more time to decode than H.264. If this machine is busy, " +
        "set the camera's stream or its substream to H.264.",
    );
  }
  return found;
}
