/* What every page's script builds on: window.moodline. */
window.moodline = (() => {
  const pages = {};
  let leave = null;
  let shown = null;
  const shell = () => document.getElementById("shell");

  /* A page's script says how it takes over its element; what that returns ends it again. */
  const page = (name, mount) => {
    pages[name] = mount;
    look();
  };

  const look = () => {
    const root = document.querySelector("#page > [data-page]");
    if (root === shown) return;
    if (leave) leave();
    leave = null;
    shown = root;
    if (!root) return;
    document.title = root.dataset.title;
    for (const link of document.querySelectorAll(".rail nav a")) {
      const here = link.classList.contains(`place-${root.dataset.page}`);
      if (here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const mount = pages[root.dataset.page];
    if (mount) leave = mount(root) || null;
  };

  /* Ask a route of this server. Throws an Error with its line where it refuses, and the status; 0 for no answer. */
  const ask = async (path, options = {}) => {
    const { json, ...rest } = options;
    if (json !== undefined) {
      rest.body = JSON.stringify(json);
      rest.headers = { "Content-Type": "application/json", ...rest.headers };
    }
    let answer;
    try {
      answer = await fetch(`${shell().dataset.base}api/${path}`, rest);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw Object.assign(new Error("The dashboard does not answer. Is it still running?"), { status: 0 });
    }
    const kind = answer.headers.get("content-type") || "";
    const body = kind.includes("json") ? await answer.json() : await answer.text();
    if (!answer.ok) throw Object.assign(new Error((body && body.error) || `Refused (${answer.status}).`), { status: answer.status });
    return body;
  };

  /* make("li", { class: "x", text: "..." }, child, ...): text is never read as HTML. */
  const make = (name, given = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(given)) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "text") node.textContent = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };

  /* Whoever asks and is signed out is told so once, whatever the page was about to do. */
  const send = window.fetch;
  window.fetch = async (...given) => {
    const answer = await send(...given);
    if (answer.status === 401) showSignedOut();
    return answer;
  };

  const showSignedOut = () => {
    if (document.getElementById("signed-out")) return;
    const here = encodeURIComponent(location.pathname + location.search);
    document.body.prepend(make("div", { id: "signed-out", class: "signed-out", role: "alert" },
      make("span", { text: "You are signed out. What is shown is from before." }),
      make("a", { class: "button", href: `${shell().dataset.base}login?next=${here}`, text: "Sign in again" })));
  };

  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  return { page, ask, make, showSignedOut, base: () => shell().dataset.base };
})();
