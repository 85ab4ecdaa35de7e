// @ts-check
/* Form controls that choose: one of a list, or several of a list. */
import { make } from "../kit/dom.js";

/**
 * @param {string} id
 * @param {[value: string, text: string][]} options
 * @param {string} chosen
 */
export const choice = (id, options, chosen) =>
  make(
    "select",
    { id },
    ...options.map(([value, text]) => make("option", { value, text, selected: value === chosen })),
  );

/**
 * Boxes to tick.
 * @param {string} id
 * @param {string} legend
 * @param {string} none What it means if none is ticked.
 * @param {{ name: string, text: string }[]} options
 * @param {string[]} ticked
 */
export function boxes(id, legend, none, options, ticked) {
  const known = options.map(({ name }) => name);
  // What the rule names and is gone stays, until it is unticked.
  const all = [
    ...options,
    ...ticked.filter((name) => !known.includes(name)).map((name) => ({ name, text: name })),
  ];
  const inputs = all.map(({ name }, number) =>
    make("input", {
      type: "checkbox",
      id: `${id}-${number}`,
      value: name,
      checked: ticked.includes(name),
    }),
  );
  const node = make(
    "fieldset",
    { class: "field alert-boxes", id },
    make("legend", { text: legend }),
    make("p", { class: "hint", text: none }),
    make(
      "div",
      { class: "alert-box-list" },
      ...inputs.map((input, number) =>
        make("label", { class: "alert-box" }, input, make("span", { text: all[number].text })),
      ),
    ),
  );
  const entered = () => inputs.filter((input) => input.checked).map((input) => input.value);
  return { node, entered };
}
