// @ts-check
/* The page of one source: its picture, its day and week, its health, its settings and its runs. */
import { base, messageOf, post, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make, redrawKeepingFocus, setText } from "../kit/dom.js";
import { shortDateTime, ZONE } from "../kit/format.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { sourceHref, visit } from "../kit/links.js";
import { stateBadge, stateKind, stateText } from "../kit/live_states.js";
import { setHeading } from "../kit/pages.js";
import { sourceButtons } from "../sources/row.js";
import { SourceActions } from "../sources/source_actions.js";
import { alertsPanel } from "./alerts_panel.js";
import { dayPanel, leadOf, weekPanel } from "./charts.js";
import { healthPanel } from "./health_panel.js";
import { LivePicture } from "./live_picture.js";
import { runsPanel } from "./runs_panel.js";
import { settingsPanel } from "./settings_panel.js";
import { toolbarLinks } from "./toolbar_links.js";

/**
 * @typedef {object} SourceAnswer
 * @property {string} name
 * @property {boolean} is_camera
 * @property {boolean} generated
 * @property {string[]} tags
 * @property {string[]} former_names
 * @property {number} added_at
 * @property {number | null} removed_at
 * @property {import("../sources/row.js").Source | null} live
 * @property {string} trouble Why its state cannot be read.
 * @property {import("../sources/health.js").Interval[]} states Of the last seven days.
 * @property {{ line: string, basis: string } | null} verdict On today.
 * @property {import("./charts.js").Day} day
 * @property {import("../kit/time_bars.js").Step[]} week
 * @property {import("./runs_panel.js").Run[]} runs
 * @property {number} run_count
 * @property {number} dead_letters
 * @property {import("../alerts/events.js").AlertEvent[]} alerts
 */

const REFRESH_MS = 30_000;

export class SourcePage {
  lifetime = new Lifetime();
  #root;
  #name;
  #isOperator;
  #actions;
  /** @type {SourceAnswer | null} */
  #answer = null;
  /** @type {LivePicture | null} */
  #picture = null;
  #state = make("div", { class: "source-state-line" });
  #tools = make("div", { class: "toolbar source-tools" });
  #lead = make("p", { class: "lead" });
  #basis = make("p", { class: "basis" });
  #pictures = make("div", { class: "tiles source-picture", hidden: true });
  #side = make("div", { class: "source-side" });
  #main = make("div", { class: "source-main" });

  /**
   * @param {HTMLElement} root
   * @param {string} name As in the address: it may be a former one.
   */
  constructor(root, name) {
    this.#root = root;
    this.#name = name;
    this.#isOperator = Boolean(root.dataset.operator);
    this.#actions = new SourceActions(root, () => this.#answer?.live ?? null, {
      changed: () => this.#refresh(),
      saved: (saved) => {
        if (saved !== this.#answer?.name) visit(sourceHref(saved));
      },
    });
    const { classList } = document.body;
    classList.add("has-columns");
    this.lifetime.onEnd(() => classList.remove("has-columns"));
    root.replaceChildren(make("p", { class: "soft", text: _("Loading the source …") }));
    this.lifetime.listen(window, "verdict", () => this.#refresh());
    this.lifetime.listen(window, "verdict-known", () => this.#draw());
    this.lifetime.repeat(() => this.#refresh(), REFRESH_MS);
  }

  async #refresh() {
    const asked = `name=${encodeURIComponent(this.#name)}&zone=${encodeURIComponent(ZONE)}`;
    try {
      const answer = /** @type {SourceAnswer} */ (await request(`sources/one?${asked}`));
      if (this.lifetime.ended) return;
      if (!this.#answer) this.#build(answer);
      this.#answer = answer;
      this.#name = answer.name;
      setText(this.#actions.error, known(answer.trouble));
      this.#draw();
    } catch (error) {
      if (this.lifetime.ended) return;
      if (this.#answer) setText(this.#actions.error, messageOf(error));
      else this.#showFailure(messageOf(error));
    }
  }

  /** @param {string} message */
  #showFailure(message) {
    this.#root.replaceChildren(
      linkToAll(),
      make("div", { class: "trouble", role: "alert", text: message }),
    );
  }

  /** @param {SourceAnswer} answer */
  #build({ name, is_camera: isCamera, removed_at: removedAt }) {
    const { error, status, form } = this.#actions;
    if (isCamera && !removedAt) {
      const { pictures = "off" } = this.#root.dataset;
      this.#picture = new LivePicture(this.lifetime, this.#pictures, pictures, {
        name,
        onState: () => this.#refresh(),
      });
    }
    this.#root.replaceChildren(
      linkToAll(),
      this.#state,
      this.#tools,
      status,
      error,
      form,
      this.#lead,
      this.#basis,
      make(
        "div",
        { class: "source-columns" },
        make("div", { class: "source-column" }, this.#pictures, this.#side),
        this.#main,
      ),
    );
  }

  /** @param {SourceAnswer} answer */
  #alerts(answer) {
    const change = async (/** @type {string} */ path, /** @type {object} */ json) => {
      try {
        await post(`alerts/${path}`, json);
        setText(this.#actions.error, "");
        window.dispatchEvent(new Event("alerts"));
        await this.#refresh();
      } catch (error) {
        setText(this.#actions.error, messageOf(error));
      }
    };
    const act = {
      ack: (/** @type {number} */ number) => change("ack", { number }),
      mute: (/** @type {string} */ name) => change("rules/mute", { name, minutes: 60 }),
    };
    return alertsPanel(answer, act, this.#isOperator);
  }

  #draw() {
    const answer = this.#answer;
    if (!answer) return;
    setHeading(answer.name);
    this.#picture?.follow(answer.name);
    this.#pictures.hidden = !this.#picture || !answer.live; // It may have been removed.
    const { verdict } = answer;
    setText(this.#lead, leadOf(answer));
    setText(this.#basis, verdict?.basis ?? "");
    this.#basis.hidden = !verdict?.basis;
    const buttons =
      this.#isOperator && answer.live
        ? sourceButtons(answer.live, this.#actions.of(answer.name))
        : null;
    redrawKeepingFocus(this.#root, () => {
      this.#state.replaceChildren(...stateLine(answer));
      this.#tools.replaceChildren(...toolbarLinks(answer), ...(buttons ? [buttons] : []));
      const isOpen = this.#side.querySelector("details")?.open ?? false;
      this.#side.replaceChildren(
        ...(answer.is_camera ? [healthPanel(answer, isOpen)] : []),
        ...(answer.is_camera || answer.alerts.length ? [this.#alerts(answer)] : []),
        settingsPanel(answer),
      );
      this.#main.replaceChildren(dayPanel(answer), weekPanel(answer), runsPanel(answer));
    });
  }
}

const linkToAll = () =>
  make("p", { class: "crumb" }, make("a", { href: `${base()}sources`, text: _("All sources") }));

/** @param {SourceAnswer} answer */
function stateLine({ live, tags, generated, removed_at: removedAt, is_camera: isCamera }) {
  const nodes = [];
  if (live) {
    const since = live.since
      ? _("since {time}", { time: shortDateTime(Date.parse(live.since) / 1000) })
      : "";
    nodes.push(stateBadge(stateKind(live.state), stateText(live.state)));
    if (since) nodes.push(make("span", { class: "soft", text: since }));
  } else if (removedAt) {
    const time = shortDateTime(removedAt);
    nodes.push(stateBadge("idle", _("Removed on {time}", { time })));
  } else if (!isCamera) {
    nodes.push(stateBadge("idle", _("Recordings")));
  }
  if (generated) nodes.push(stateBadge("warn", _("Generated, not measured")));
  return [...nodes, ...tags.map((tag) => make("span", { class: "tag", text: tag }))];
}
