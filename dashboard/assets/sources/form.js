// @ts-check
/* The form to add or edit a source, and to test its address. */
import { RequestError, messageOf, post } from "../kit/api.js";
import { make } from "../kit/dom.js";
import { errorLine, field, quietButton } from "../kit/forms.js";
import { _ } from "../kit/language.js";
import { stillFaces } from "../kit/reading.js";
import { turnControls } from "../kit/turn.js";
import { addressTest } from "./address_test.js";
import { brandFields } from "./brand_fields.js";
import { transportField } from "./transport_field.js";

/** @typedef {import("./row.js").Source} Source */

const ADDRESS_HINT = _(
  "rtsp://, rtsps://, http:// (MJPEG, HLS), or the number of a webcam on moodline's " +
    "machine: 0 is the first.",
);

const PASSWORD_HINT = _("Stored encrypted and never shown again.");

const TURN_HINT = _(
  "For a camera on its side, or one that shows a mirror image. Test shows the result. " +
    "Zones move with the picture.",
);

/**
 * @param {Source | null} source To edit; null to add one.
 * @param {string} kind Of a new one: webcam or camera.
 * @param {{ saved: (message: string, name: string) => void, cancelled: () => void }} on
 * @returns {HTMLFormElement}
 */
export function sourceForm(source, kind, on) {
  const name = make("input", {
    id: "source-name",
    maxlength: "64",
    required: true,
    value: source?.name ?? "",
    autocomplete: "off",
  });
  const uri = make("input", {
    id: "source-uri",
    maxlength: "2048",
    required: !source,
    autocomplete: "off",
    spellcheck: "false",
    autocapitalize: "none",
    "aria-describedby": "source-uri-hint",
    value: !source && kind === "webcam" ? "0" : "",
  });
  const brands = brandFields(uri, source ? _("unchanged") : "rtsp://camera.local/live");
  const login = loginFields(source !== null);
  const transport = transportField(source !== null);
  const showTransport = () => transport.showFor(brands.entered());
  showTransport();
  const fps = make("input", {
    id: "source-fps",
    type: "number",
    min: "0.1",
    max: "240",
    step: "any",
    value: source?.fps_limit || "5",
    required: true,
  });
  const tags = make("input", {
    id: "source-tags",
    maxlength: "400",
    autocomplete: "off",
    value: source?.tags.join(", ") ?? "",
  });
  const turn = turnControls("source", source, {
    plain: _("As the camera sends it"),
    hint: TURN_HINT,
  });
  const still = stillFaces("source-still-faces", source?.keep_static ?? null);
  const error = errorLine();
  const save = make("button", {
    type: "submit",
    class: "button",
    text: source ? _("Save") : _("Test and add"),
  });
  const more = make("div", { class: "toolbar" });

  /** @param {unknown} failure @param {() => void} again */
  const showFailure = (failure, again) => {
    error.textContent = messageOf(failure);
    more.replaceChildren(...allowButton(failure, error, again));
  };

  const forget = () => {
    error.textContent = "";
    more.replaceChildren();
  };

  const keep = async ({ tested = false } = {}) => {
    forget();
    save.disabled = true;
    const entered = {
      // A new name comes after the other changes: they name the source as it is called now.
      name: source?.name ?? name.value.trim(),
      uri: brands.entered(),
      ...login.entered(),
      ...transport.entered(),
      fps: Number(fps.value),
      tags: tags.value
        .split(",")
        .map((tag) => tag.trim())
        .filter(Boolean),
      ...turn.entered(),
      keep_static: still.entered(),
    };
    const newName = name.value.trim();
    try {
      await post(`sources/${source ? "edit" : "add"}`, entered);
      if (newName !== entered.name) {
        await post("sources/rename", { name: entered.name, new_name: newName });
      }
      on.saved(
        source
          ? _("{name} was saved and is opened again.", { name: newName })
          : tested
            ? _("{name} was added and delivers pictures. It is read within seconds.", {
                name: newName,
              })
            : _("{name} was added. It is read within seconds.", { name: newName }),
        newName,
      );
    } catch (failure) {
      showFailure(failure, () => keep({ tested }));
    }
    save.disabled = false;
  };

  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (source) return keep();
    save.disabled = true;
    const works = await test.run((failure) => {
      showFailure(failure, () => form.requestSubmit());
      if (!isOwnHost(failure)) more.append(quietButton(_("Add it without a test"), () => keep()));
    });
    save.disabled = false;
    if (works) await keep({ tested: true });
  };

  const asked = () => ({
    uri: brands.entered(),
    name: source?.name ?? "",
    ...login.entered(),
    ...transport.entered(),
    ...turn.entered(),
  });
  const test = addressTest(asked, forget, showFailure);
  const title = source ? _("Edit {name}", { name: source.name }) : _("Add a source");
  const form = make(
    "form",
    { class: "panel source-form", "aria-label": title, onsubmit: submit, oninput: showTransport },
    make("h2", { text: title }),
    make(
      "div",
      { class: "form-grid" },
      field(
        _("Name"),
        name,
        source
          ? _("Its history stays with it, and links with the old name go on to work.")
          : _("Shown wherever the source is."),
      ),
      brands.brandField,
      field(
        _("Address"),
        uri,
        source ? _("Now {uri}. Leave it empty to keep it.", { uri: source.uri }) : ADDRESS_HINT,
      ),
      ...brands.others,
      ...login.fields,
      transport.field,
      field(
        _("Frames analysed per second, at most"),
        fps,
        _("5 are enough to follow expressions. Other frames are counted as left out."),
      ),
      field(_("Tags"), tags, _("To group sources, separated by commas: entrance, floor 2.")),
      ...turn.fields,
      still.field,
    ),
    error,
    more,
    test.result,
    make("div", { class: "toolbar" }, save, test.button, quietButton(_("Cancel"), on.cancelled)),
  );
  return form;
}

/**
 * The fields for user name and password.
 * @param {boolean} isKnown Whether the source exists: then empty fields keep what it has.
 */
function loginFields(isKnown) {
  const options = {
    maxlength: "256",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: isKnown ? _("unchanged") : "",
  };
  const user = make("input", { id: "source-user", autocomplete: "off", ...options });
  const password = make("input", {
    id: "source-password",
    type: "password",
    autocomplete: "new-password",
    ...options,
  });
  return {
    entered: () => ({ user: user.value.trim(), password: password.value }),
    fields: [
      field(_("User"), user, _("If the camera asks for one.")),
      field(_("Password"), password, PASSWORD_HINT),
    ],
  };
}

/** @param {unknown} failure */
const isOwnHost = (failure) => failure instanceof RequestError && Boolean(failure.body?.allow);

/**
 * The question to an administrator whether a port of this host is a camera; nothing otherwise.
 * @param {unknown} failure
 * @param {HTMLElement} error
 * @param {() => void} again Called when it is allowed.
 */
function allowButton(failure, error, again) {
  if (!(failure instanceof RequestError) || !failure.body?.allow) return [];
  const place = failure.body.allow;
  error.textContent = _(
    "{place} is this machine. Cameras are rarely there, but restreams of go2rtc, " +
      "mediamtx or Frigate are. Others who may add sources may then name it too.",
    { place },
  );
  const allow = async () => {
    try {
      await post("sources/allow", { place });
      again();
    } catch (refusal) {
      error.textContent = messageOf(refusal);
    }
  };
  return [quietButton(_("Allow {place} and go on", { place }), allow)];
}
