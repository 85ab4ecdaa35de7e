// @ts-check
/* How an RTSP camera sends its video: over TCP, unless it has UDP only. */
import { make } from "../kit/dom.js";
import { field } from "../kit/forms.js";
import { _ } from "../kit/language.js";

const HINT = _("UDP only for a camera that cannot do TCP: what is lost on the way shows as damage.");

/**
 * @param {boolean} isKnown Whether the source exists: then the choice may stay as it is.
 */
export function transportField(isKnown) {
  const chosen = make(
    "select",
    { id: "source-transport" },
    isKnown ? make("option", { value: "", text: _("unchanged") }) : null,
    make("option", { value: "tcp", text: "TCP" }),
    make("option", { value: "udp", text: "UDP" }),
  );
  const whole = field(_("Transport"), chosen, HINT);
  return {
    field: whole,
    /** @param {string} uri Entered; "" if the address stays. */
    showFor: (uri) => {
      whole.hidden = uri ? !/^rtsp:/i.test(uri) : !isKnown;
    },
    /** @returns {{ transport: string | null }} */
    entered: () => ({ transport: (!whole.hidden && chosen.value) || null }),
  };
}
