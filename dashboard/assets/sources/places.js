// @ts-check
/* Ports of moodline's machine that an administrator allowed as cameras. */
import { messageOf, post, request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { errorLine, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";

/** A panel that lists them and takes them back; hidden while there are none. */
export class AllowedPlaces {
  #error = errorLine();
  #list = make("ul", { class: "places" });
  node = make(
    "section",
    { class: "panel places-panel", "aria-label": _("Cameras on this machine"), hidden: true },
    make("h2", { text: _("Cameras on this machine") }),
    make("p", {
      class: "soft",
      text: _(
        "Whoever may add sources may name these ports of this machine. Sources that were " +
          "added go on if one is taken back.",
      ),
    }),
    this.#list,
    this.#error,
  );

  async refresh() {
    try {
      const { places } = await request("sources/places");
      this.#draw(places);
    } catch (error) {
      this.#error.textContent = messageOf(error);
    }
  }

  /** @param {string[]} places */
  #draw(places) {
    this.node.hidden = !places.length;
    this.#list.replaceChildren(
      ...places.map((place) =>
        make(
          "li",
          {},
          make("code", { text: place }),
          quietButton(_("Take back"), () => this.#refuse(place), {
            "aria-label": _("Take back {place}", { place }),
          }),
        ),
      ),
    );
  }

  /** @param {string} place */
  async #refuse(place) {
    try {
      await post("sources/refuse", { place });
    } catch (error) {
      this.#error.textContent = messageOf(error);
    }
    await this.refresh();
  }
}
