// @ts-check
/* What can be done with a source: edit, zones, pause, resume and remove. On the list and on the page of
 * one source. */
import { messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { confirmDialog, errorLine } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { sourceForm } from "./form.js";
import { ZoneEditor } from "./zone_editor.js";

/** @typedef {import("./row.js").Source} Source */

export class SourceActions {
  error = errorLine();
  status = make("p", { class: "soft", role: "status" });
  /** The place of the open form. */
  form = make("div");
  #root;
  #find;
  #on;
  /** Frees what the open form holds. */
  #endForm = () => {};

  /**
   * @param {HTMLElement} root Of the page.
   * @param {(name: string) => Source | null} find The source as it was last read.
   * @param {{ changed: () => unknown, saved?: (name: string) => void, closed?: () => void }} on
   *   saved: the form was saved. closed: it was closed without.
   */
  constructor(root, find, on) {
    this.#root = root;
    this.#find = find;
    this.#on = on;
  }

  /**
   * The actions of a source. It may change meanwhile: only its name is kept.
   * @param {string} name
   * @returns {import("./row.js").Actions}
   */
  of(name) {
    return {
      edit: () => this.openForm(this.#find(name)),
      zones: () => this.#openZones(name),
      pause: () => this.#change("pause", name, _("{name} was paused.", { name })),
      resume: () => this.#change("resume", name, _("{name} was resumed.", { name })),
      remove: () => this.#confirmRemoval(name),
    };
  }

  /**
   * @param {Source | null} source Null for a new one.
   * @param {string} [kind]
   */
  openForm(source, kind = "camera") {
    const close = () => {
      this.closeForm();
      this.#on.closed?.();
    };
    const form = sourceForm(source, kind, {
      saved: (message, name) => {
        close();
        this.status.textContent = message;
        this.#on.saved?.(name);
        this.#on.changed();
      },
      cancelled: close,
    });
    this.closeForm();
    this.form.replaceChildren(form);
    /** @type {HTMLElement | null} */
    const first = form.querySelector(source ? "#source-uri" : "#source-name");
    first?.focus();
    form.scrollIntoView({ block: "nearest" });
  }

  closeForm() {
    this.#endForm();
    this.#endForm = () => {};
    this.form.replaceChildren();
  }

  /**
   * @param {string} action Of the route.
   * @param {string} name
   * @param {string} done
   */
  async #change(action, name, done) {
    try {
      await post(`sources/${action}`, { name });
      this.status.textContent = done;
    } catch (error) {
      this.error.textContent = messageOf(error);
    }
    await this.#on.changed();
  }

  /** @param {string} name */
  #confirmRemoval(name) {
    confirmDialog(
      this.#root,
      {
        name: _("Remove {name}", { name }),
        title: _("Remove {name}?", { name }),
        text: _(
          "moodline stops reading it and deletes its address. Its records stay: erase them in " +
            "System & privacy.",
        ),
        confirm: _("Remove it"),
        cancel: _("Keep it"),
      },
      () => this.#change("remove", name, _("{name} was removed.", { name })),
    );
  }

  /** @param {string} name */
  #openZones(name) {
    const source = this.#find(name);
    if (!source) return;
    const close = () => {
      this.closeForm();
      /** @type {HTMLElement | null} */
      const button = this.#root.querySelector(`[data-key="${CSS.escape(`Zones ${name}`)}"]`);
      button?.focus();
    };
    const editor = new ZoneEditor(source, {
      saved: (message) => {
        close();
        this.status.textContent = message;
        this.#on.changed();
      },
      cancelled: close,
    });
    this.closeForm();
    this.#endForm = () => editor.end();
    this.form.replaceChildren(editor.node);
    editor.focus();
  }
}
