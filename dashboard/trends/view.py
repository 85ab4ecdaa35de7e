"""The view: the time range, sources and mode that the page's address asks for.

An address may come from anywhere: an invalid part is replaced by its default, with a note.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, quote, unquote

from analytics.history.source_selection import MAX_SOURCES
from contracts.expressions import LABELS

LONGEST_RANGE: Final = timedelta(days=3653)
"""Ten years."""
_MAX_QUERY_LENGTH: Final = 65_536
_MAX_EXCERPT: Final = 40
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200
_AGO: Final = re.compile(r"now(?:-([0-9]{1,6})([mhdwy]))?", re.ASCII)
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}


class Mode(StrEnum):
    """The quantity on a chart's vertical axis.

    SHARE, LINES: shares of the person-time, as bars or as lines. SECONDS: person-time. RATE:
    person-time per covered hour, which is not lower for a partly covered bucket.
    """

    SHARE = "share"
    SECONDS = "seconds"
    RATE = "rate"
    LINES = "lines"

    @property
    def shows_shares(self) -> bool:
        return self in {Mode.SHARE, Mode.LINES}


@dataclass(frozen=True, slots=True)
class View:
    """A time range and what is shown of it. Ends are "now", "now-24h" or ISO 8601.

    sources: each a series; with neither sources nor tags, all sources. tags: each a series of all
    its sources together. only: the one label that is drawn, or "" for all. zoom: the ends of the
    part of the range that is shown; () for all of it.
    """

    since: str = "now-24h"
    until: str = "now"
    sources: tuple[str, ...] = ()
    mode: Mode = Mode.SHARE
    only: str = ""
    zoom: tuple[str, str] | tuple[()] = ()
    tags: tuple[str, ...] = ()

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return begin and end of what is shown, UTC. It never raises for a view of read_view."""
        return _ends(*(self.zoom or (self.since, self.until)), now)

    def full_range(self, now: datetime) -> tuple[datetime, datetime]:
        """Return begin and end of the range without the zoom, UTC."""
        return _ends(self.since, self.until, now)

    @property
    def follows_now(self) -> bool:
        """Whether the shown range ends now, so that it moves with time."""
        return self.until == "now" and not self.zoom


@dataclass(frozen=True, slots=True)
class ParsedView:
    """A view, and a note on each part of the address that is invalid."""

    view: View
    notes: tuple[str, ...] = ()


PRESETS: Final = {
    "1 h": "now-1h",
    "24 h": "now-24h",
    "7 d": "now-7d",
    "30 d": "now-30d",
    "1 y": "now-1y",
}
CUSTOM: Final = "custom"


def preset(view: View) -> str:
    """Return the begin of the preset that the view's range is, or CUSTOM."""
    return view.since if view.until == "now" and view.since in PRESETS.values() else CUSTOM


def parse_time(text: str, now: datetime) -> datetime | None:
    """Return the time in UTC; None if it is invalid. ISO 8601 without an offset is UTC."""
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            count, unit = ago.groups()
            return now - int(count) * _UNITS[unit] if count else now
        found = datetime.fromisoformat(text)
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if _FIRST_YEAR <= found.year < _LAST_YEAR else None


def range_error(since: datetime | None, until: datetime | None) -> str:
    """Return why the range cannot be shown; "" if it can."""
    if since is None or until is None:
        return "Enter a begin and an end."
    if since >= until:
        return "The begin must be before the end."
    if since.year < _FIRST_YEAR or until - since > LONGEST_RANGE:
        return "A range is ten years at most."
    return ""


def read_view(query: str | None, now: datetime, zone: tzinfo) -> ParsedView:
    """Return the view that an address's query asks for. It raises for no query.

    zone: of times without an offset.
    """
    query = (query or "").removeprefix("?")
    if len(query) > _MAX_QUERY_LENGTH:
        return ParsedView(View(), ("The address is too long; showing the last 24 hours.",))
    asked = parse_qs(query, keep_blank_values=True)
    notes: list[str] = []
    begin, end = (_utc(_last(asked, key), zone) for key in ("from", "to"))
    since, until = _read_range(begin, end, now, notes)
    sources, tags = (_read_names(query, key, notes) for key in ("sources", "tags"))
    mode, only = _read_mode(_last(asked, "mode"), notes), _last(asked, "only") or ""
    only = only if only in LABELS else ""
    zoom = _read_zoom(_last(asked, "zoom"), now, zone, notes)
    return ParsedView(View(since, until, sources, mode, only, zoom, tags), (*notes,))


def write_view(view: View) -> str:
    """Return the query of a view. Names are escaped, so they may contain commas."""
    parts = [("from", quote(view.since, safe=":")), ("to", quote(view.until, safe=":"))]
    if view.sources:
        parts.append(("sources", ",".join(quote(name, safe="") for name in view.sources)))
    if view.tags:
        parts.append(("tags", ",".join(quote(tag, safe="") for tag in view.tags)))
    parts.append(("mode", view.mode.value))
    if view.only:
        parts.append(("only", view.only))
    if view.zoom:
        parts.append(("zoom", quote("/".join(view.zoom), safe=":/")))
    return "?" + "&".join(f"{key}={value}" for key, value in parts)


def _ends(since: str, until: str, now: datetime) -> tuple[datetime, datetime]:
    begin, end = parse_time(since, now), parse_time(until, now)
    if begin is None or end is None:
        raise ValueError(f"invalid range {since!r} to {until!r}")
    return begin, end


def _utc(text: str | None, zone: tzinfo) -> str | None:
    """Return a time without an offset as UTC, and any other text unchanged."""
    try:
        found = datetime.fromisoformat(text or "")
        if found.tzinfo is None:
            return found.replace(tzinfo=zone).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        pass  # parse_time rejects it.
    return text


def _last(asked: dict[str, list[str]], key: str) -> str | None:
    return asked[key][-1] if key in asked else None


def _read_range(
    since: str | None, until: str | None, now: datetime, notes: list[str]
) -> tuple[str, str]:
    default = View()
    asked = (since or default.since, until or default.until)
    if (since, until) == (None, None):
        return asked
    error = range_error(parse_time(asked[0], now), parse_time(asked[1], now))
    if not error:
        return asked
    notes.append(
        f"The range “{_excerpt(asked[0])}” to “{_excerpt(asked[1])}” cannot be shown; "
        f"showing the last 24 hours. {error}"
    )
    return default.since, default.until


def _read_zoom(
    text: str | None, now: datetime, zone: tzinfo, notes: list[str]
) -> tuple[str, str] | tuple[()]:
    """Read an ISO 8601 interval such as "2026-11-20T08:00Z/2026-11-20T12:00Z"."""
    if not text:
        return ()
    begin, end = (_utc(one, zone) or "" for one in text.partition("/")[::2])
    if error := range_error(parse_time(begin, now), parse_time(end, now)):
        notes.append(f"The zoom “{_excerpt(text)}” cannot be shown; showing the range. {error}")
        return ()
    return begin, end


def _read_names(query: str, key: str, notes: list[str]) -> tuple[str, ...]:
    """Split before unescaping: an escaped comma is part of a name."""
    found = [part.partition("=")[2] for part in query.split("&") if part.startswith(f"{key}=")]
    if not found:
        return ()
    names = dict.fromkeys(unquote(name.replace("+", " ")) for name in found[-1].split(",") if name)
    if len(names) > MAX_SOURCES:
        notes.append(f"The address names more than {MAX_SOURCES} {key}; showing all.")
        return ()
    return tuple(names)


def _read_mode(text: str | None, notes: list[str]) -> Mode:
    if text is None:
        return Mode.SHARE
    try:
        return Mode(text)
    except ValueError:
        notes.append(f"There is no mode “{_excerpt(text)}”; showing shares.")
        return Mode.SHARE


def _excerpt(text: str) -> str:
    """Return text from an address, shortened and without control characters."""
    text = "".join(one if one.isprintable() else "�" for one in text)
    return text if len(text) <= _MAX_EXCERPT else text[: _MAX_EXCERPT - 1] + "…"
