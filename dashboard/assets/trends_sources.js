/* The list of sources and tags on Trends: a button that says what is chosen, and what there is below it. */
window.moodline.sourceList = (place) => {
  const { make } = window.moodline;
  const MOST = 100;
  let offer = { choices: [], chosen: [] };
  let chosen = [];
  let order = [];
  let sent = null;

  const has = (choice) => choice.values.every((one) => chosen.includes(one));
  const said = make("span", { class: "chosen", id: "sources-chosen" });
  const button = make("button", { type: "button", class: "opener", "aria-expanded": "false", "aria-controls": "sources-panel",
    "aria-labelledby": "sources-label sources-chosen", onclick: () => (panel.hidden ? open() : close()) }, said);
  const search = make("input", { type: "search", "aria-label": "Search sources and tags", placeholder: "Search", autocomplete: "off", oninput: () => list() });
  const clear = make("button", { type: "button", class: "button quiet", text: "Show all", onclick: () => { choose([]); search.focus(); } });
  const choices = make("ul", { "aria-label": "Sources and tags" });
  const rest = make("p", { class: "soft", role: "status" });
  const panel = make("div", { id: "sources-panel", class: "list-panel", tabindex: "-1", hidden: true },
    make("div", { class: "list-head" }, search, clear), choices, rest);

  const open = () => {
    /* What is chosen comes first, and stays there until the list is closed. */
    order = [...offer.choices.filter(has), ...offer.choices.filter((one) => !has(one))];
    panel.hidden = false;
    button.setAttribute("aria-expanded", "true");
    search.value = "";
    list();
    search.focus();
  };
  const close = () => {
    panel.hidden = true;
    button.setAttribute("aria-expanded", "false");
    sent = null;
    chosen = offer.chosen;
    show();
  };
  const list = () => {
    const found = order.filter((one) => one.label.toLowerCase().includes(search.value.trim().toLowerCase()));
    choices.replaceChildren(...found.slice(0, MOST).map((choice) => {
      const box = make("input", { type: "checkbox", onchange: () => choose(box.checked
        ? [...new Set([...chosen, ...choice.values])] : chosen.filter((one) => !choice.values.includes(one))) });
      box.choice = choice;
      return make("li", {}, make("label", {}, box, make("span", { text: choice.label })));
    }));
    rest.textContent = !order.length ? "There is no source yet." : !found.length ? "No source or tag has that in its name."
      : found.length > MOST ? `${found.length - MOST} more: search for them.` : "";
    show();
  };
  const show = () => {
    const names = offer.choices.filter((one) => one.values.length === 1 && has(one)).map((one) => one.label);
    said.textContent = names.length ? names.join(" · ") : "All sources";
    said.classList.toggle("none", !names.length);
    clear.disabled = !chosen.length;
    for (const box of choices.querySelectorAll("input")) box.checked = has(box.choice);
  };
  const choose = (values) => {
    chosen = values;
    sent = String(values);
    show();
    window.dash_clientside.set_props("chosen", { data: values });
  };

  /* Of several choices in a row, what comes back for the earlier ones would undo the later. */
  const onOffered = (event) => {
    offer = event.detail;
    if (sent !== null && sent !== String(offer.chosen)) return;
    sent = null;
    chosen = offer.chosen;
    show();
  };
  const onPointer = (event) => { if (!panel.hidden && !place.contains(event.target)) close(); };
  place.replaceChildren(button, panel);
  place.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    close();
    button.focus();
  });
  place.addEventListener("focusout", (event) => {
    if (!panel.hidden && event.relatedTarget && !place.contains(event.relatedTarget)) close();
  });
  document.addEventListener("pointerdown", onPointer);
  window.addEventListener("moodline-offered", onOffered);
  show();
  return () => {
    document.removeEventListener("pointerdown", onPointer);
    window.removeEventListener("moodline-offered", onOffered);
  };
};
