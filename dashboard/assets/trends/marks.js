// @ts-check
/* The marks of a range: markers that people and programs set, and alerts that fired. */
import { messageOf, request } from "../kit/api.js";
import { setProps } from "../kit/dash.js";
import { make } from "../kit/dom.js";
import { confirmDialog, errorLine, field, quietButton } from "../kit/forms.js";
import { duration, shortDateTime } from "../kit/format.js";
import { _, n_, pair } from "../kit/language.js";
import { interval } from "../kit/links.js";
import { goTo } from "./address.js";

/**
 * source: null for all sources. begin, end: seconds since 1970, equal for a moment.
 * @typedef {{ marker_id: string, source: string | null, begin: number, end: number, text: string,
 *   tags: string[], by: string }} Marker
 * @typedef {{ source: string, rule: string, at: number, value: string }} Alert
 */

const BUCKETS_AROUND = 6;
const SHOWN = 30;
const UNTIL_MINUTE = 16;

/** The panel stays the same element, so that a form that is filled in survives a refresh. */
export class MarksPanel {
  node = make("section", { class: "panel trend-marks", "aria-label": _("Markers and alerts") });
  #list = make("div");
  #form = make("div");
  #error = errorLine();
  #mayChange;
  #bucketS = 60;
  /** @type {string[]} */
  #sources = [];

  /** @param {boolean} mayChange */
  constructor(mayChange) {
    this.#mayChange = mayChange;
    const open = quietButton(_("Set a marker"), () => this.#openForm(), { id: "marker-add" });
    this.node.append(
      make(
        "div",
        { class: "toolbar" },
        make("h2", { text: _("Markers and alerts") }),
        mayChange ? open : null,
      ),
      this.#form,
      this.#error,
      this.#list,
    );
  }

  /**
   * @param {Marker[]} markers
   * @param {Alert[]} alerts
   * @param {string[]} sources The names of the view's sources.
   * @param {number} bucketS
   */
  draw(markers, alerts, sources, bucketS) {
    this.#sources = sources;
    this.#bucketS = bucketS;
    this.node.hidden = !this.#mayChange && !markers.length && !alerts.length;
    const items = [
      ...markers.map((one) => ({ at: one.begin, node: () => this.#markerItem(one) })),
      ...alerts.map((one) => ({ at: one.at, node: () => this.#alertItem(one) })),
    ].sort((a, b) => b.at - a.at);
    const more = items.length - SHOWN;
    this.#list.replaceChildren(
      items.length
        ? make("ul", { class: "marks" }, ...items.slice(0, SHOWN).map(({ node }) => node()))
        : make("p", {
            class: "soft",
            text: _("None in this range. A marker says what happened, such as “new menu”."),
          }),
      more > 0
        ? make("p", { class: "soft", text: n_("{count} earlier one.", "{count} earlier ones.", more) })
        : "",
    );
  }

  /** @param {Marker} marker */
  #markerItem(marker) {
    const { marker_id: id, source, begin, end, text, tags, by } = marker;
    const about = [source ?? _("all sources"), ...tags, _("set by {name}", { name: by })];
    const lasting = end > begin ? `, ${duration(end - begin)}` : "";
    const remove = () =>
      confirmDialog(
        this.node,
        {
          name: _("Remove the marker"),
          title: _("Remove the marker?"),
          text,
          confirm: _("Remove the marker"),
          cancel: _("Keep the marker"),
        },
        () => this.#change(`trends/markers/${id}`, { method: "DELETE" }),
      );
    return make(
      "li",
      {},
      this.#zoomButton(`marker ${id}`, "mark-of-marker", begin, end, [
        make("strong", { text: `${shortDateTime(begin)}${lasting}` }),
        make("span", { text }),
        make("span", { class: "soft", text: about.join(" · ") }),
      ]),
      this.#mayChange
        ? quietButton(_("Remove"), remove, {
            "aria-label": pair(_("Remove the marker"), text),
            "data-key": `remove ${id}`,
          })
        : null,
    );
  }

  /** @param {Alert} alert */
  #alertItem({ source, rule, at, value }) {
    return make(
      "li",
      {},
      this.#zoomButton(`alert ${rule} ${source} ${at}`, "mark-of-alert", at, at, [
        make("strong", { text: shortDateTime(at) }),
        make("span", { text: _("alert {rule}: {value}", { rule, value }) }),
        source ? make("span", { class: "soft", text: source }) : null,
      ]),
    );
  }

  /**
   * @param {string} key
   * @param {string} kind A class.
   * @param {number} begin
   * @param {number} end
   * @param {(Node | null)[]} content
   */
  #zoomButton(key, kind, begin, end, content) {
    const zoomIn = () => {
      const around = BUCKETS_AROUND * this.#bucketS * 1000;
      goTo({ zoom: interval(begin * 1000 - around, Math.min(end * 1000 + around, Date.now())) });
      window.scrollTo({ top: 0 });
    };
    return make(
      "button",
      { type: "button", class: `mark ${kind}`, onclick: zoomIn, "data-key": key },
      ...content,
    );
  }

  #openForm() {
    const text = make("input", { id: "marker-text", maxlength: "500", required: true });
    const begin = make("input", {
      id: "marker-begin",
      type: "datetime-local",
      required: true,
      value: localMinute(Date.now()),
    });
    const end = make("input", { id: "marker-end", type: "datetime-local" });
    const about = make(
      "select",
      { id: "marker-source" },
      make("option", { value: "", text: _("all sources") }),
      ...this.#sources.map((name) => make("option", { value: name, text: name })),
    );
    const close = () => {
      this.#form.replaceChildren();
      document.getElementById("marker-add")?.focus();
    };
    const submit = async (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      const json = {
        text: text.value,
        begin: new Date(begin.value).toISOString(),
        end: end.value ? new Date(end.value).toISOString() : null,
        source: about.value,
      };
      if (await this.#change("trends/markers", { method: "POST", json })) close();
    };
    const form = make(
      "form",
      { "aria-label": _("Set a marker"), onsubmit: submit },
      make(
        "div",
        { class: "form-grid" },
        field(_("What happened"), text),
        field(_("When"), begin),
        field(_("Until"), end, _("Empty: a moment.")),
        field(_("About"), about),
      ),
      make(
        "div",
        { class: "toolbar" },
        make("button", { type: "submit", class: "button", text: _("Set the marker") }),
        quietButton(_("Cancel"), close),
      ),
    );
    this.#form.replaceChildren(form);
    text.focus();
  }

  /**
   * Change the markers, and ask for the charts again. Returns whether it went well.
   * @param {string} path
   * @param {RequestInit & { json?: unknown }} options
   */
  async #change(path, options) {
    this.#error.textContent = "";
    try {
      await request(path, options);
      setProps("refresh", { n_intervals: Date.now() });
      return true;
    } catch (failure) {
      this.#error.textContent = messageOf(failure);
      return false;
    }
  }
}

/** @param {number} ms Since 1970. Returns the local time as an input takes it. */
function localMinute(ms) {
  const offset = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offset).toISOString().slice(0, UNTIL_MINUTE);
}
