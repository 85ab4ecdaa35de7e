// @ts-check
/* The annotated video of a run: draw, download, delete. */
import { messageOf, post, request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { confirmDialog, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";

const POLL_MS = 2000;
const FILE_GONE = _("The recording is not available any more.");

export class AnnotatedVideo {
  node = make("span", { class: "copy" });
  #root;
  #path;
  #url;
  #lifetime;
  #isDrawable;

  /**
   * @param {HTMLElement} root Of the page.
   * @param {{ path: string, url: string, isDrawable: boolean }} run path: of its routes. url: of the
   *   video. isDrawable: whether the recording is there, to be drawn.
   * @param {import("../kit/lifetime.js").Lifetime} lifetime
   */
  constructor(root, { path, url, isDrawable }, lifetime) {
    this.#root = root;
    this.#path = path;
    this.#url = url;
    this.#isDrawable = isDrawable;
    this.#lifetime = lifetime;
  }

  /** @param {string} state "", drawing, done or failed. */
  draw(state) {
    if (state === "done") {
      this.node.replaceChildren(
        make("a", { class: "button quiet", href: this.#url, text: _("Annotated video") }),
        quietButton(_("Delete it"), () => this.#confirmDelete(), {
          "aria-label": _("Delete the annotated video"),
        }),
      );
    } else if (state === "drawing") {
      this.node.replaceChildren(
        make("span", { class: "soft", role: "status", text: _("Drawing the annotated video …") }),
      );
      this.#lifetime.after(() => this.#check(), POLL_MS);
    } else {
      this.node.replaceChildren(
        quietButton(
          state === "failed" ? _("Draw it again") : _("Draw an annotated video"),
          () => this.#run(() => post(`${this.#path}/annotate`)),
          { disabled: !this.#isDrawable, title: this.#isDrawable ? "" : FILE_GONE },
        ),
      );
    }
  }

  async #check() {
    const details = await request(this.#path).catch(() => null);
    if (this.#lifetime.ended) return;
    // Without an answer it is asked again.
    this.draw(details ? details.annotated : "drawing");
  }

  #confirmDelete() {
    const again = this.#isDrawable
      ? _("It can be drawn again.")
      : _("It cannot be drawn again: the recording is not available any more.");
    const text = _("The video, in which faces are visible, is deleted. The results stay.");
    confirmDialog(
      this.#root,
      {
        name: _("Delete the annotated video"),
        title: _("Delete the annotated video?"),
        text: `${text} ${again}`,
        confirm: _("Delete it"),
        cancel: _("Keep it"),
      },
      async () => {
        await this.#run(() => request(`${this.#path}/annotated`, { method: "DELETE" }));
        this.node.querySelector("button")?.focus();
      },
    );
  }

  /** @param {() => Promise<{ state: string }>} change */
  async #run(change) {
    try {
      this.draw((await change()).state);
    } catch (error) {
      this.node.replaceChildren(
        make("span", { class: "trouble", role: "alert", text: messageOf(error) }),
      );
    }
  }
}
