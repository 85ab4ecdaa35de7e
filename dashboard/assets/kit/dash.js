// @ts-check
/* The part of Dash that the scripts use. */

/**
 * Set properties of a Dash component, as a callback would.
 * @param {string} id
 * @param {Record<string, unknown>} properties
 */
export const setProps = (id, properties) => {
  /** @type {any} */ (window).dash_clientside.set_props(id, properties);
};
