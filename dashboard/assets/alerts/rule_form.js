// @ts-check
/* The form of a rule, with how often it would have fired in the last 7 days. */
import { RequestError, messageOf, post } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { make } from "../kit/dom.js";
import { errorLine, field, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { boxes, choice } from "./choices.js";
import { previewContent } from "./preview_chart.js";
import { MEASURES, SEVERITIES, SHARES, SYSTEM, measureTitle } from "./words.js";

/**
 * @typedef {import("./words.js").Rule} Rule
 * @typedef {import("./rules.js").Idea} Idea
 * @typedef {{ sources: string[], tags: string[], targets: { name: string }[], zone: string }} Known
 */

const PAUSE_MS = 500;
/* What is compared with what, where only one comparison makes sense. */
/** @type {Record<string, string>} */
const ONE_SIGN = { away: ">", lag: ">", "dead-letters": ">", disk: "<" };
/** @type {Record<string, string>} */
const USUAL = {
  valence: "-0.2",
  people: "5",
  coverage: "60%",
  away: "2m",
  "dead-letters": "0",
  lag: "10s",
  disk: "5GB",
};
const USUAL_SHARE = "30%";
/* The id of the control for each field that the server may name. */
/** @type {Record<string, string>} */
const CONTROLS = {
  name: "alert-name",
  when: "alert-limit",
  for: "alert-for",
  clears_at: "alert-clears",
  cooldown: "alert-cooldown",
  min_coverage: "alert-coverage",
  min_person_seconds: "alert-person-s",
  hours: "alert-hours",
  zone: "alert-zone",
};

/**
 * @param {Rule | null} rule To edit; null for a new one.
 * @param {Known} choices
 * @param {{ saved: (message: string) => void, cancelled: () => void }} on
 * @param {Idea | null} [idea] To begin a new one with.
 */
export function ruleForm(rule, choices, on, idea = null) {
  const controls = ruleControls(rule, choices, idea);
  const error = errorLine();
  const drawn = make("div", { class: "alert-preview", role: "status" }, ...note(_("Counting …")));
  const save = make("button", { type: "submit", class: "button", text: _("Save the rule") });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = 0;

  const draw = async () => {
    const number = ++asked;
    try {
      const preview = await post("alerts/preview", { ...controls.entered(), name: "preview" });
      if (number !== asked) return;
      replace(drawn, preview.error ? note(known(preview.error)) : previewContent(preview));
    } catch (failure) {
      if (number === asked) replace(drawn, note(messageOf(failure)));
    }
  };
  const drawSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(draw, PAUSE_MS);
  };
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    error.textContent = "";
    save.disabled = true;
    for (const control of form.querySelectorAll("[aria-invalid]")) {
      control.removeAttribute("aria-invalid");
    }
    const entered = controls.entered();
    try {
      if (rule) await post("alerts/rules/edit", { name: rule.name, rule: entered });
      else await post("alerts/rules/add", entered);
      on.saved(_("{name} was saved.", { name: entered.name }));
    } catch (failure) {
      error.textContent = messageOf(failure);
      markWrong(failure);
    }
    save.disabled = false;
  };
  const title = rule ? _("Edit {name}", { name: rule.name }) : _("Add a rule");
  const form = make(
    "form",
    { class: "panel alert-form", "aria-label": title, onsubmit: submit, oninput: drawSoon },
    make("h2", { text: title }),
    ...controls.nodes,
    error,
    make(
      "div",
      { class: "toolbar" },
      save,
      quietButton(_("Cancel"), on.cancelled),
    ),
    make("h3", { text: _("How often it would have fired") }),
    drawn,
  );
  draw();
  return form;
}

/**
 * Name the field that the server refused.
 * @param {unknown} failure
 */
function markWrong(failure) {
  const name = failure instanceof RequestError ? failure.body?.field : "";
  const control = document.getElementById(CONTROLS[name] ?? "");
  if (!control) return;
  control.closest("details")?.setAttribute("open", "");
  control.setAttribute("aria-invalid", "true");
  control.focus();
}

/**
 * @param {Rule | null} rule
 * @param {Known} choices
 * @param {Idea | null} idea
 */
function ruleControls(rule, { sources, tags, targets, zone }, idea) {
  const text = (/** @type {string} */ id, /** @type {string} */ value, more = {}) =>
    make("input", { id, value, maxlength: "40", autocomplete: "off", ...more });
  const begin = rule ?? idea;
  const name = text("alert-name", begin?.name ?? "", { maxlength: "64", required: true });
  const measure = choice(
    "alert-measure",
    MEASURES.map((one) => [one, measureTitle(one)]),
    begin?.measure ?? "angry",
  );
  const sign = choice("alert-sign", [[">", _("above")], ["<", _("below")]], begin?.when.includes("<") ? "<" : ">");
  const limit = text("alert-limit", begin ? begin.when.split(/[<>]/)[1].trim() : USUAL_SHARE, {
    required: true,
  });
  const lasting = text("alert-for", rule?.for ?? "5m");
  const severity = choice("alert-severity", Object.entries(SEVERITIES), begin?.severity ?? "warning");
  const clears = text("alert-clears", rule?.clears_at ?? "");
  const cooldown = text("alert-cooldown", rule?.cooldown ?? "");
  const coverage = text("alert-coverage", rule?.min_coverage ?? "60%");
  const person = text("alert-person-s", String(rule?.min_person_seconds ?? 30), {
    type: "number",
    min: "0",
    step: "any",
  });
  const hours = text("alert-hours", rule?.hours ?? "", { maxlength: "400" });
  const place = text("alert-zone", rule?.zone ?? zone);
  const about = [
    ...sources.map((one) => ({ name: `source ${one}`, text: one })),
    ...tags.map((one) => ({ name: `tag ${one}`, text: _("tag {tag}", { tag: one }) })),
  ];
  const ticked = [
    ...(rule?.sources ?? []).map((one) => `source ${one}`),
    ...(rule?.tags ?? []).map((one) => `tag ${one}`),
  ];
  const whose = boxes("alert-about", _("About"), _("None ticked: all live sources."), about, ticked);
  const told = boxes(
    "alert-to",
    _("Tells"),
    _("None ticked: all targets."),
    targets.map((one) => ({ name: one.name, text: one.name })),
    rule?.to ?? [],
  );
  const lastingField = field(_("For"), lasting, _("The time it is taken over: 5m, 1h."));
  const personField = field(
    _("Least person-seconds"),
    person,
    _("With less, nothing is said: few people say little."),
  );
  const coverageField = field(_("Least coverage"), coverage, _("With less, nothing is said."));

  const follow = (/** @type {Event | null} */ event) => {
    const chosen = measure.value;
    const isShare = SHARES.includes(chosen);
    if (event) limit.value = USUAL[chosen] ?? USUAL_SHARE;
    if (ONE_SIGN[chosen]) sign.value = ONE_SIGN[chosen];
    sign.disabled = chosen in ONE_SIGN;
    lastingField.hidden = chosen === "away";
    personField.hidden = !isShare && chosen !== "valence";
    coverageField.hidden = personField.hidden && chosen !== "people";
    whose.node.hidden = SYSTEM.includes(chosen);
  };
  measure.addEventListener("change", follow);
  follow(null);
  const more = make(
    "details",
    { open: Boolean(rule?.clears_at || rule?.cooldown || rule?.hours) },
    make("summary", { text: _("More") }),
    make(
      "div",
      { class: "form-grid" },
      field(_("Ends at"), clears, _("Empty: at the limit. Another value keeps it from flapping.")),
      field(_("Not again within"), cooldown, _("Empty: as soon as it happens again. 30m, 2h.")),
      coverageField,
      personField,
      field(_("Hours of the week"), hours, _("mon-fri 08:00-18:00; sat 10:00-14:00. Empty: always.")),
      field(_("Time zone of the hours"), place),
    ),
  );
  const entered = () => {
    const chosen = measure.value;
    const isPercent = SHARES.includes(chosen) || chosen === "coverage";
    const value = limit.value.trim();
    const bare = isPercent && /^\d/.test(value) && !value.endsWith("%") && Number(value) > 1;
    const ticks = SYSTEM.includes(chosen) ? [] : whose.entered();
    const those = (/** @type {string} */ kind) =>
      ticks.filter((one) => one.startsWith(`${kind} `)).map((one) => one.slice(kind.length + 1));
    return {
      name: name.value.trim(),
      when: `${chosen} ${sign.value} ${value}${bare ? "%" : ""}`,
      for: chosen === "away" ? "" : lasting.value.trim(),
      clears_at: clears.value.trim(),
      cooldown: cooldown.value.trim(),
      min_person_seconds: person.value === "" ? null : Number(person.value),
      min_coverage: coverage.value.trim(),
      sources: those("source"),
      tags: those("tag"),
      hours: hours.value.trim(),
      zone: place.value.trim(),
      severity: severity.value,
      to: told.entered(),
    };
  };
  const nodes = [
    make(
      "div",
      { class: "form-grid" },
      field(_("Name"), name),
      field(_("Measure"), measure),
      field(_("Is"), sign),
      field(_("Limit"), limit),
      lastingField,
      field(_("Severity"), severity),
    ),
    make("div", { class: "alert-box-groups" }, whose.node, targets.length ? told.node : null),
    more,
  ];
  return { nodes, entered };
}

/** @param {string} text */
const note = (text) => [make("p", { class: "soft", text })];

/**
 * @param {HTMLElement} place
 * @param {(Node | null)[]} children
 */
const replace = (place, children) =>
  place.replaceChildren(...children.filter((child) => child !== null));
