// @ts-check
/* The page System & privacy, kept up to date. */
import { messageOf, request } from "../kit/api.js";
import { known } from "../kit/core_messages.js";
import { byId, make } from "../kit/dom.js";
import { timeNow } from "../kit/format.js";
import { quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { Lifetime } from "../kit/lifetime.js";
import { definePage } from "../kit/pages.js";
import { auditContent, auditEntries, kindField } from "./audit.js";
import { ERASE_HELP, eraseForm } from "./erase_form.js";
import { keptContent, noticeForm } from "./privacy.js";
import { deadLettersContent, jobsContent, servicesContent } from "./services.js";
import { storageContent } from "./storage.js";
import { tokensContent } from "./tokens.js";
import { usersContent } from "./users.js";

/** @typedef {import("../kit/dom.js").Child} Child */

const REFRESH_MS = 30_000;

definePage("system", () => {
  const root = byId("system");
  const lifetime = new Lifetime();
  const updated = make("p", { class: "soft", role: "status" });
  const sources = make("datalist", { id: "erase-sources" });
  const [services, jobs, storage, letters, kept, audit] = Array.from({ length: 6 }, () =>
    make("div"),
  );

  const refresh = async () => {
    const shownKind = kind.select.value;
    try {
      const [overview, entries] = await Promise.all([
        request("system/overview"),
        auditEntries(shownKind),
      ]);
      if (lifetime.ended || kind.select.value !== shownKind) return; // A newer one is on its way.
      const { errors } = overview;
      fill(services, errors.status, () => servicesContent(overview.status));
      fill(jobs, errors.jobs, () => jobsContent(overview.jobs));
      fill(storage, errors.storage, () => storageContent(overview.storage, overview.kept.faces));
      fill(letters, errors.letters, () => deadLettersContent(overview.letters));
      fill(kept, "", () => keptContent(overview.kept, overview.live_view));
      fill(audit, "", () => auditContent(entries));
      sources.replaceChildren(
        ...(overview.sources ?? []).map((/** @type {string} */ value) => make("option", { value })),
      );
      updated.textContent = _("Updated at {timenow}.", { timenow: timeNow() });
    } catch (error) {
      if (!lifetime.ended) updated.textContent = messageOf(error);
    }
  };

  const kind = kindField(refresh);
  const erase = root.dataset.admin
    ? [note(ERASE_HELP), ...eraseForm(sources, refresh)]
    : [note(_("An admin can erase records by source, run or time."))];
  root.replaceChildren(
    make(
      "div",
      { class: "toolbar" },
      make("a", { href: "#privacy", class: "button quiet", text: _("Go to privacy") }),
      quietButton(_("Refresh"), refresh),
      updated,
    ),
    section("services", _("Services"), services),
    section("jobs", _("Jobs"), note(_("The scheduler runs them, on one host at a time.")), jobs),
    section("storage", _("Storage"), storage),
    section("letters", _("Dead letters"), letters),
    root.dataset.admin ? section("users", _("Users"), ...usersContent(() => lifetime.ended)) : "",
    root.dataset.admin
      ? section("tokens", _("Tokens of programs"), ...tokensContent(() => lifetime.ended))
      : "",
    make("h2", { class: "divider", id: "privacy", text: _("Privacy") }),
    section("kept", _("What is stored, and for how long"), kept),
    section("erase", _("Erase"), ...erase),
    section(
      "notice",
      _("Notice for the door"),
      note(
        _(
          "A page to print: what is recorded here, how long it is kept, and whom to ask. It " +
            "follows the current settings.",
        ),
      ),
      noticeForm(),
    ),
    section(
      "audit",
      _("Audit"),
      note(
        root.dataset.admin
          ? _("Who signed in, changed, viewed, exported or erased what, and from where.")
          : _("Erasures. An admin also sees who signed in, changed, viewed and exported what."),
      ),
      root.dataset.admin ? make("div", { class: "toolbar" }, kind.node) : null,
      audit,
    ),
  );
  // The browser looked for it before it was there.
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
  lifetime.listen(window, "verdict", refresh);
  lifetime.repeat(refresh, REFRESH_MS);
  return () => lifetime.end();
});

/**
 * @param {string} id
 * @param {string} title
 * @param {Child[]} children
 */
const section = (id, title, ...children) =>
  make(
    "section",
    { class: "panel system-part", id, "aria-label": title },
    make("h2", { text: title }),
    ...children,
  );

/** @param {string} text */
const note = (text) => make("p", { class: "soft", text });

/**
 * Show a section's content, or the error that prevents it.
 * @param {HTMLElement} place
 * @param {string} error
 * @param {() => Child | Child[]} content
 */
function fill(place, error, content) {
  const children = error
    ? [make("p", { class: "trouble", role: "alert", text: known(error) })]
    : [content()].flat();
  place.replaceChildren(...children.filter((child) => child !== null && child !== undefined));
}
