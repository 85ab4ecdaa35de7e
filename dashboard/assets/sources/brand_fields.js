// @ts-check
/* The choice of a camera's brand, which makes an address of its host alone. */
import { make } from "../kit/dom.js";
import { field } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { BRANDS } from "./brands.js";

const HINT = _("With a brand, the address is the camera's host alone.");
const OTHER = _("Other, or a webcam");

/**
 * The fields for brand, stream and the name of the stream, where the brand has one.
 * @param {HTMLInputElement} address Where the host, or a whole address, is entered.
 * @param {string} placeholder Of the address, without a brand.
 */
export function brandFields(address, placeholder) {
  const chosen = make(
    "select",
    { id: "source-brand", onchange: () => show() },
    make("option", { value: "", text: OTHER }),
    ...BRANDS.map(({ name }) => make("option", { value: name, text: name })),
  );
  const stream = make(
    "select",
    { id: "source-stream" },
    make("option", { value: "sub", text: _("Substream, smaller") }),
    make("option", { value: "main", text: _("Main stream") }),
  );
  const path = make("input", {
    id: "source-path",
    maxlength: "200",
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
  });
  const streamField = field(
    _("Stream"),
    stream,
    _("The smaller one is enough, unless faces are far away."),
  );
  const pathField = field(_("Path"), path, _("What the stream is called there."));
  const brandField = field(_("Brand"), chosen, HINT);
  const hint = brandField.querySelector(".hint");

  const known = () => BRANDS.find(({ name }) => name === chosen.value);
  const show = () => {
    const brand = known();
    streamField.hidden = !brand?.sub;
    pathField.hidden = !brand?.main.includes("NAME");
    address.placeholder = brand ? "192.168.1.20" : placeholder;
    if (hint) hint.textContent = brand?.note || HINT;
  };
  show();
  return {
    brandField,
    others: [streamField, pathField],
    /** The address: as entered if it is a whole one, else made for the brand. */
    entered: () => {
      const text = address.value.trim();
      const brand = known();
      if (!brand || !text || text.includes("://")) return text;
      const hasPort = /^(\[.*\]|[^:]+):\d+$/.test(text);
      const place = hasPort ? text : `${text}:${brand.port}`;
      const end = brand.sub && stream.value === "sub" ? brand.sub : brand.main;
      const name = path.value.trim().replace(/^\/+/, "");
      return `${brand.scheme}://${place}${end.replace("NAME", () => name)}`;
    },
  };
}
