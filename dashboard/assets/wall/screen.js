// @ts-check
/* A screen that stays on, and a page that is the version of the server. */
import { base } from "../kit/api.js";

/**
 * Keep the screen on while the page is visible, where the browser can: on https and localhost.
 * @param {import("../kit/lifetime.js").Lifetime} lifetime
 */
export function keepScreenOn(lifetime) {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  const take = async () => {
    if (!navigator.wakeLock || document.hidden || lifetime.ended) return;
    // Refused with a low battery, for example. The wall works without it.
    lock = await navigator.wakeLock.request("screen").catch(() => null);
    if (lifetime.ended) lock?.release();
  };
  lifetime.listen(document, "visibilitychange", take);
  lifetime.onEnd(() => lock?.release());
  take();
}

const SCRIPT = "script[src*=dash_renderer]";

/**
 * Load the page again if the server has another version of its script: the name of the script has
 * its hash.
 */
export async function reloadIfOutdated() {
  const answer = await fetch(`${base()}wall`, { headers: { Accept: "text/html" } }).catch(
    () => null,
  );
  if (!answer?.ok || answer.redirected) return; // Away again, or signed out.
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const name = (/** @type {Document} */ one) => one.querySelector(SCRIPT)?.getAttribute("src");
  if (name(fresh) && name(fresh) !== name(document)) location.reload();
}
