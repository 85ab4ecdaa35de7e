// @ts-check
/* The tile of one camera on its page, as on Now. */
import { make, setText } from "../kit/dom.js";
import { followEvents } from "../now/event_stream.js";
import { Tile } from "../now/tile.js";

const AGE_MS = 1000;

export class LivePicture {
  #name;
  #tile;

  /**
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   * @param {HTMLElement} place
   * @param {string} pictures How faces are shown: off, blurred or clear.
   * @param {{ name: string, onState: () => void }} of onState: the state of the source changed.
   */
  constructor(lifetime, place, pictures, { name, onState }) {
    this.#name = name;
    this.#tile = new Tile(name, pictures, { isAlone: true });
    let aheadS = 0;
    let state = "";
    const now = () => Date.now() / 1000 + aheadS;
    const problem = make("p", { class: "soft", role: "status" });
    place.replaceChildren(this.#tile.node, problem);
    place.classList.add("shows-zones");
    place.hidden = false;
    followEvents(lifetime, {
      events: {
        clock: (serverNow) => {
          aheadS = serverNow - Date.now() / 1000;
        },
        tile: (source) => {
          if (source.name !== this.#name) return;
          this.#tile.update(source, now());
          if (state && state !== source.state) onState();
          state = source.state;
        },
        picture: ({ name: of, jpeg }) => {
          if (of === this.#name) this.#tile.showPicture(jpeg);
        },
      },
      onLost: (message) => {
        place.classList.add("is-stale");
        setText(problem, message);
      },
      onBack: () => {
        place.classList.remove("is-stale");
        setText(problem, "");
      },
    });
    const ages = setInterval(() => this.#tile.drawAge(now()), AGE_MS);
    lifetime.onEnd(() => clearInterval(ages));
  }

  /**
   * The source has another name now.
   * @param {string} name
   */
  follow(name) {
    this.#name = name;
  }
}
