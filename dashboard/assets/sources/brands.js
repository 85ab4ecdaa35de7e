// @ts-check
/* Where cameras of common brands have their video, as they are delivered. */
import { _ } from "../kit/language.js";

/**
 * @typedef {object} Brand
 * @property {string} name
 * @property {number} port
 * @property {string} main Path of the main stream. NAME stands for what the owner called it.
 * @property {string} sub Path of the smaller stream; "" without one that has a known path.
 * @property {string} scheme
 * @property {string} note What to do first, or "".
 * @property {string} source Where that is written.
 */

/**
 * @param {string} name
 * @param {string} main
 * @param {string} sub
 * @param {string} source
 * @param {Partial<Brand>} [more]
 * @returns {Brand}
 */
const brand = (name, main, sub, source, more = {}) => ({
  name,
  main,
  sub,
  source,
  port: 554,
  scheme: "rtsp",
  note: "",
  ...more,
});

const FRIGATE = "https://docs.frigate.video/configuration/camera_specific";
const DAHUA = "/cam/realmonitor?channel=1&subtype=";

/** @type {Brand[]} */
export const BRANDS = [
  brand("Amcrest", `${DAHUA}0`, `${DAHUA}1`, FRIGATE),
  brand(
    "Axis",
    "/axis-media/media.amp?videocodec=h264",
    "/axis-media/media.amp?videocodec=h264&resolution=640x360",
    "https://developer.axis.com/vapix/network-video/video-streaming/",
  ),
  brand("Dahua", `${DAHUA}0`, `${DAHUA}1`, FRIGATE),
  brand("Foscam", "/videoMain", "/videoSub", "https://www.foscam.com/faqs/view.html?id=81", {
    note: _("Older models use port 88."),
  }),
  brand("Hikvision", "/Streaming/Channels/101", "/Streaming/Channels/102", FRIGATE),
  brand(
    "Reolink",
    "/h264Preview_01_main",
    "/h264Preview_01_sub",
    "https://support.reolink.com/hc/en-us/articles/900000630706-Introduction-to-RTSP/",
    { note: _("First switch RTSP on: Settings, Network, Advanced, Port settings.") },
  ),
  brand("TP-Link Tapo", "/stream1", "/stream2", "https://www.tp-link.com/us/support/faq/2680/", {
    note: _("First make a camera account in the app: its user and password are the ones to give."),
  }),
  brand("UniFi Protect", "/NAME", "", FRIGATE, {
    scheme: "rtsps",
    port: 7441,
    note: _(
      "Copy the code of the stream from the camera's settings, Share livestream, without " +
        "?enableSrtp.",
    ),
  }),
  brand(
    _("Wyze, by docker-wyze-bridge"),
    "/NAME",
    "",
    "https://github.com/mrlt8/docker-wyze-bridge",
    {
      port: 8554,
    },
  ),
  brand(_("Frigate, restream"), "/NAME", "", "https://docs.frigate.video/configuration/restream/", {
    port: 8554,
  }),
  brand("go2rtc", "/NAME", "", "https://github.com/AlexxIT/go2rtc", { port: 8554 }),
  brand("mediamtx", "/NAME", "", "https://github.com/bluenviron/mediamtx", { port: 8554 }),
];
