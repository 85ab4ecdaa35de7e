// @ts-check
/* Numbers, sizes, durations and times in the viewer's language. */

import { LOCALE, _, n_ } from "./language.js";

const TENTHS = new Intl.NumberFormat(LOCALE, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB"];
const SIZE_DIGITS = [0, 0, 1, 2, 2];

/** Shown for a value that is not known. */
export const NONE = "–";

/** @param {number | null | undefined} value */
export const number = (value) => value?.toLocaleString(LOCALE) ?? NONE;

/** @param {number} value */
export const tenths = (value) => TENTHS.format(value);

const HUNDREDTHS = new Intl.NumberFormat(LOCALE, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

/** @param {number} value */
export const hundredths = (value) => HUNDREDTHS.format(value);

/**
 * A number with its sign: "+0.31".
 * @param {number} value
 */
export const signed = (value) => `${value < 0 ? "−" : "+"}${HUNDREDTHS.format(Math.abs(value))}`;

/** @param {number} share Of 1. */
export const percent = (share) => percentText(String(Math.round(share * 100)));

/**
 * A percentage with its sign: "62 %".
 * @param {string} number
 */
export const percentText = (number) => _("{number} %", { number });

/** @param {number | null | undefined} bytes */
export function fileSize(bytes) {
  if (bytes === null || bytes === undefined) return NONE;
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (!unit) return n_("{count} byte", "{count} bytes", bytes);
  const digits = SIZE_DIGITS[unit];
  const isWhole = Number.isInteger(value);
  const format = { minimumFractionDigits: isWhole ? 0 : digits, maximumFractionDigits: digits };
  return `${value.toLocaleString(LOCALE, format)} ${SIZE_UNITS[unit]}`;
}

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${tenths(seconds / 3600)} h`;
  return n_("{count} day", "{count} days", Math.round(seconds / 86400));
}

/**
 * A duration with tenths of a second below 10 s.
 * @param {number} seconds
 */
export const shortDuration = (seconds) =>
  seconds < 10 ? `${tenths(Math.max(seconds, 0))} s` : duration(seconds);

/**
 * A position in a recording: 01:05, or 1:01:05.
 * @param {number} seconds
 */
export function position(seconds) {
  const whole = Math.max(Math.floor(seconds), 0);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${text}` : text;
}

/* Times: on the viewer's clock, which every page names, and all in one format. */

/** The viewer's time zone. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/**
 * A date with its time: "Nov 3, 2026 14:05".
 * @param {number | null | undefined} seconds Since 1970.
 */
export const dateTime = (seconds) =>
  seconds ? withTime(seconds, { year: "numeric", day: "numeric", month: "short" }) : NONE;

/**
 * A date with its time to the second, where that matters.
 * @param {number} seconds Since 1970.
 */
export const dateTimeSeconds = (seconds) =>
  withTime(
    seconds,
    { year: "numeric", day: "numeric", month: "short" },
    { second: "2-digit" },
  );

/**
 * A day of this year with its time: "Tue, Nov 3 14:05".
 * @param {number} seconds Since 1970.
 */
export const shortDateTime = (seconds) =>
  withTime(seconds, { weekday: "short", day: "numeric", month: "short" });

/**
 * The time, with the date unless it is today.
 * @param {string} iso
 */
export function timeOfDay(iso) {
  const at = new Date(iso);
  if (at.toDateString() === new Date().toDateString()) return clock(at);
  return withTime(at.getTime() / 1000, { day: "numeric", month: "short" });
}

/**
 * The time of day alone, where the day is known.
 * @param {number} seconds Since 1970.
 */
export const clockTime = (seconds) => clock(new Date(seconds * 1000));

/** The time now, with seconds. */
export const timeNow = () => clock(new Date(), { second: "2-digit" });

/**
 * @param {number} seconds Since 1970.
 * @param {Intl.DateTimeFormatOptions} options
 */
export const localTime = (seconds, options) =>
  new Date(seconds * 1000).toLocaleString(LOCALE, options);

/**
 * @param {number} seconds Since 1970.
 * @param {Intl.DateTimeFormatOptions} date
 * @param {Intl.DateTimeFormatOptions} [more] Of the time.
 */
const withTime = (seconds, date, more) =>
  `${localTime(seconds, date)} ${clock(new Date(seconds * 1000), more)}`;

/**
 * @param {Date} at
 * @param {Intl.DateTimeFormatOptions} [more]
 */
const clock = (at, more = {}) =>
  at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...more });
