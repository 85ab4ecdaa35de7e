// @ts-check
/* The selected recordings, and what is done with all of them. */
import { base, messageOf, post, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { number } from "../kit/format.js";
import { confirmDialog, quietButton } from "../kit/forms.js";
import { _, n_ } from "../kit/language.js";

/** Recordings in one request: the answers come soon enough to show progress. */
const BATCH = 25;
/** More recordings than this are exported by the search that they match, not one by one. */
const MOST_IN_ADDRESS = 200;

/** @type {Record<"again" | "cancel" | "delete", (found: Record<string, string>) => string>} */
const PARTLY = {
  again: (found) => _("{done} queued, {failed} not: {reason}", found),
  cancel: (found) => _("{done} cancelled, {failed} not: {reason}", found),
  delete: (found) => _("{done} deleted, {failed} not: {reason}", found),
};

export class Selection {
  node = make("section", {
    class: "panel bulk",
    "aria-label": _("Selected recordings"),
    hidden: true,
  });
  /** @type {Set<string>} */
  #runs = new Set();
  #text = make("p", { role: "status" });
  #problem = make("p", { class: "trouble", role: "alert" });
  #all;
  #csv;
  #parquet;
  #provenance;
  #root;
  #onChange;
  #matching = "";
  #total = 0;
  /** Whether the selection is all that matched the search when it was made. */
  #isAll = false;

  /**
   * @param {HTMLElement} root Of the page.
   * @param {{ isOperator: boolean, onChange: () => void }} page onChange: the selection or the
   *   recordings have changed.
   */
  constructor(root, { isOperator, onChange }) {
    this.#root = root;
    this.#onChange = onChange;
    this.#all = quietButton("", () => this.#selectAll());
    this.#csv = make("a", { class: "button quiet", text: _("Export records (CSV)") });
    this.#parquet = make("a", {
      class: "button quiet",
      text: _("Export records (Parquet)"),
      hidden: !root.dataset.parquet,
    });
    this.#provenance = make("a", { class: "button quiet", text: _("Provenance (JSON)") });
    const changes = isOperator
      ? [
          quietButton(_("Analyse again"), () => this.#confirmAgain()),
          quietButton(_("Cancel their analysis"), () => this.#run("cancel")),
          quietButton(_("Delete results"), () => this.#confirmDelete()),
        ]
      : [];
    this.node.append(
      make("div", { class: "bulk-line" }, this.#text, this.#all),
      make(
        "div",
        { class: "row-buttons" },
        this.#csv,
        this.#parquet,
        this.#provenance,
        ...changes,
        quietButton(_("Clear the selection"), () => this.clear()),
      ),
      this.#problem,
    );
  }

  /** @param {string} run */
  has(run) {
    return this.#runs.has(run);
  }

  /**
   * @param {string[]} runs
   * @param {boolean} isSelected
   */
  set(runs, isSelected) {
    this.#isAll = false;
    for (const run of runs) {
      if (isSelected) this.#runs.add(run);
      else this.#runs.delete(run);
    }
    this.#draw();
  }

  clear() {
    this.#runs.clear();
    this.#isAll = false;
    this.#problem.textContent = "";
    this.#draw();
    this.#onChange();
  }

  /**
   * The list was read again.
   * @param {string} matching The search, as parameters.
   * @param {number} total Recordings that match.
   */
  update(matching, total) {
    if (matching !== this.#matching) this.#isAll = false;
    this.#matching = matching;
    this.#total = total;
    this.#draw();
  }

  #draw() {
    const count = this.#runs.size;
    this.node.hidden = count === 0;
    this.#text.textContent = n_("{count} recording selected", "{count} recordings selected", count);
    this.#all.hidden = count >= this.#total;
    this.#all.textContent = _("Select all {total} that match", { total: number(this.#total) });
    const isLong = count > MOST_IN_ADDRESS && !this.#isAll;
    const chosen = this.#isAll
      ? this.#matching
      : [...this.#runs].map((run) => `runs=${encodeURIComponent(run)}`).join("&");
    for (const [link, file] of /** @type {const} */ ([
      [this.#csv, "csv"],
      [this.#parquet, "parquet"],
      [this.#provenance, "provenance"],
    ])) {
      if (isLong) link.removeAttribute("href");
      else link.href = `${base()}api/recordings/export/${file}?${chosen}`;
      link.setAttribute("aria-disabled", String(isLong));
      link.title = isLong
        ? _("Select at most {mostinaddress} one by one, or all that match a search", {
            mostinaddress: MOST_IN_ADDRESS,
          })
        : "";
    }
  }

  async #selectAll() {
    const matching = this.#matching;
    await this.#try(async () => {
      const found = await request(`recordings/ids?${matching}`);
      this.#runs = new Set(found.runs);
      this.#isAll = matching === this.#matching;
    });
    this.#draw();
    this.#onChange();
  }

  #confirmAgain() {
    this.#confirm(
      { title: _("Analyse again?"), confirm: _("Analyse again") },
      n_(
        "{count} recording will be analysed again with the present model and detector. The " +
          "newest results count in Trends; the ones of before stay in the list.",
        "{count} recordings will be analysed again with the present model and detector. The " +
          "newest results count in Trends; the ones of before stay in the list.",
        this.#runs.size,
      ),
      () => this.#run("again"),
    );
  }

  #confirmDelete() {
    this.#confirm(
      { title: _("Delete results?"), confirm: _("Delete results") },
      n_(
        "The results of {count} recording are deleted, with their uploads and annotated " +
          "videos. Files in folders stay. This cannot be undone.",
        "The results of {count} recordings are deleted, with their uploads and annotated " +
          "videos. Files in folders stay. This cannot be undone.",
        this.#runs.size,
      ),
      () => this.#run("delete"),
    );
  }

  /**
   * @param {{ title: string, confirm: string }} words
   * @param {string} text
   * @param {() => void} onConfirm
   */
  #confirm({ title, confirm }, text, onConfirm) {
    confirmDialog(
      this.#root,
      { name: confirm, title, text, confirm, cancel: _("Cancel") },
      onConfirm,
    );
  }

  /**
   * @param {"again" | "cancel" | "delete"} action Of the routes.
   */
  async #run(action) {
    const runs = [...this.#runs];
    /** @type {{ run: string, error: string }[]} */
    const failed = [];
    let count = 0;
    const isWhole = await this.#try(async () => {
      for (let first = 0; first < runs.length; first += BATCH) {
        const done = { done: number(first), total: number(runs.length) };
        this.#text.textContent = _("{done} of {total} …", done);
        const some = runs.slice(first, first + BATCH);
        const answer = await post(`recordings/bulk/${action}`, { runs: some });
        count += answer.done;
        failed.push(...answer.failed);
      }
    });
    const reasons = [...new Set(failed.map((one) => one.error))];
    this.#runs = new Set(isWhole ? failed.map((one) => one.run) : runs.slice(count));
    this.#isAll = false;
    this.#draw();
    if (isWhole && failed.length) {
      this.#problem.textContent = PARTLY[action]({
        done: number(count),
        failed: number(failed.length),
        reason: known(reasons[0]),
      });
    }
    this.#onChange();
  }

  /** @param {() => Promise<void>} task */
  async #try(task) {
    this.#problem.textContent = "";
    try {
      await task();
      return true;
    } catch (error) {
      this.#problem.textContent = messageOf(error);
      return false;
    }
  }
}
