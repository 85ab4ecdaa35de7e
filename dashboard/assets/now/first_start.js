// @ts-check
/* Ways to the first source, while there is none. */
import { base, messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";

/**
 * @param {boolean} isOperator
 * @param {(message: string) => void} onError
 * @returns {HTMLElement[]}
 */
export function firstStart(isOperator, onError) {
  if (!isOperator) return [welcomeLine(_("An operator can add the first source."))];
  return [
    welcomeLine(
      _(
        "Choose the first source. A live source appears here within seconds, and in Trends " +
          "within a minute.",
      ),
    ),
    make(
      "ul",
      { class: "ways" },
      way(
        _("A webcam"),
        _("A webcam on the machine where moodline runs."),
        linkTo("sources?add=webcam", _("Add a webcam")),
      ),
      way(
        _("A network camera"),
        _("An RTSP or HTTP address, with user and password if the camera requires them."),
        linkTo("sources?add=camera", _("Add a camera")),
      ),
      way(
        _("Recordings"),
        _("Video files: every frame is analysed, with its exact time."),
        linkTo("recordings", _("Open recordings"), "button quiet"),
      ),
      way(
        _("The demo"),
        _("A rendered clip of faces that belong to no real person, played as a live source."),
        demoButton(onError),
      ),
    ),
  ];
}

/** @param {string} text */
const welcomeLine = (text) => make("p", { class: "welcome-line", text });

/**
 * @param {string} title
 * @param {string} text
 * @param {HTMLElement} action
 */
const way = (title, text, action) =>
  make("li", { class: "panel way" }, make("h2", { text: title }), make("p", { text }), action);

/**
 * @param {string} path
 * @param {string} text
 * @param {string} [style]
 */
const linkTo = (path, text, style = "button") =>
  make("a", { class: style, href: `${base()}${path}`, text });

/** @param {(message: string) => void} onError */
function demoButton(onError) {
  const start = async () => {
    button.disabled = true;
    button.textContent = _("Rendering the clip …");
    try {
      await post("now/demo");
      button.textContent = _("The demo starts in a few seconds");
    } catch (error) {
      onError(messageOf(error));
      button.textContent = _("Start the demo");
      button.disabled = false;
    }
  };
  const button = quietButton(_("Start the demo"), start);
  return button;
}
