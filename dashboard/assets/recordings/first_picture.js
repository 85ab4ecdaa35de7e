// @ts-check
/* A picture of a recording on the viewer's machine. Nothing is sent. */

/** Seconds: the first pictures are often black. */
const AT_S = 1;
const WAIT_MS = 15_000;
const QUALITY = 0.85;

/**
 * A picture from near the begin, turned; null if this browser cannot play the file.
 * @param {File} file
 * @param {import("../kit/turn.js").Turn} turn
 * @returns {Promise<Blob | null>}
 */
export async function firstPicture(file, turn) {
  const address = URL.createObjectURL(file);
  const video = document.createElement("video");
  video.muted = true;
  video.preload = "auto";
  try {
    await until(video, "loadeddata", () => (video.src = address));
    const at = Math.min(AT_S, (video.duration || 0) / 2);
    await until(video, "seeked", () => (video.currentTime = at));
    return await drawn(video, turn);
  } catch {
    return null;
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  }
}

/**
 * Wait for an event of the video. Rejects if it fails, or does not come in time.
 * @param {HTMLVideoElement} video
 * @param {string} event
 * @param {() => unknown} start
 */
function until(video, event, start) {
  return new Promise((resolve, reject) => {
    const ending = new AbortController();
    const end = (/** @type {(value?: unknown) => void} */ settle) => () => {
      ending.abort();
      clearTimeout(timer);
      settle();
    };
    const timer = setTimeout(end(reject), WAIT_MS);
    video.addEventListener(event, end(resolve), { signal: ending.signal });
    video.addEventListener("error", end(reject), { signal: ending.signal });
    start();
  });
}

/**
 * @param {HTMLVideoElement} video
 * @param {import("../kit/turn.js").Turn} turn
 * @returns {Promise<Blob | null>}
 */
function drawn(video, { rotate, mirror }) {
  const { videoWidth: width, videoHeight: height } = video;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = rotate % 180 ? [height, width] : [width, height];
  const context = canvas.getContext("2d");
  if (!context || !width) return Promise.resolve(null);
  context.translate(canvas.width / 2, canvas.height / 2);
  if (mirror) context.scale(-1, 1);
  context.rotate((rotate * Math.PI) / 180);
  context.drawImage(video, -width / 2, -height / 2);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}
