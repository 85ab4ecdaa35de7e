// @ts-check
/* The bell: the number of open alerts, in the navigation of every page. */
import { request } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { n_ } from "../kit/language.js";

const POLL_MS = 10_000;
/* Nobody looks at it. */
const HIDDEN_POLL_MS = 60_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {Element} link */
async function refresh(link) {
  clearTimeout(timer);
  try {
    draw(link, await request("alerts/bell"));
  } catch (error) {
    const { status } = /** @type {{ status?: number }} */ (error);
    if (status === 401) return; // Signed out, which a banner says.
  }
  timer = setTimeout(() => refresh(link), document.hidden ? HIDDEN_POLL_MS : POLL_MS);
}

/**
 * @param {Element} link
 * @param {{ open: number, new: number }} counts new: those that nobody has acknowledged.
 */
function draw(link, { open, new: unseen }) {
  const old = link.querySelector(".bell");
  if (!open) return old?.remove();
  const fresh = make(
    "span",
    { class: unseen ? "bell bell-new" : "bell" },
    make("span", { "aria-hidden": "true", text: String(open) }),
    make("span", { class: "unseen", text: n_(", {count} open alert", ", {count} open alerts", open) }),
  );
  if (old) old.replaceWith(fresh);
  else link.append(fresh);
  return undefined;
}

/* The shell is there once Dash has drawn it. */
const waiting = new MutationObserver(() => {
  const link = document.querySelector(".place-alerts");
  if (!link) return;
  waiting.disconnect();
  const again = () => refresh(link);
  window.addEventListener("alerts", again);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) again();
  });
  again();
});
waiting.observe(document.documentElement, { childList: true, subtree: true });
