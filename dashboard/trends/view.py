"""What the page's address asks for: a range, sources, and how they are shown.

An address may come from anywhere: what cannot be read falls back, and is said.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qs, quote, unquote

from analytics.history.source_selection import MOST_SOURCES
from analytics.runs.run_list import LABELS

LONGEST: Final = timedelta(days=3653)
"""Ten years."""
_LONGEST_QUERY: Final = 65_536
_SHOWN: Final = 40
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
    """What a height says: shares of the person-time as bars or as lines, or people and seconds.

    RATE: person-time per covered hour, which a step that was half covered does not lower.
    """

    SHARE = "share"
    SECONDS = "seconds"
    RATE = "rate"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class View:
    """A range whose ends are "now", "now-24h" or ISO 8601; no sources are all of them.

    tags: each a series of its own, all its sources together; with tags alone there are no others.
    only: the one label that is drawn, or "" for all. zoom: the part of the range that is looked
    at, its ends as those of a range; () for all of it.
    """

    since: str = "now-24h"
    until: str = "now"
    sources: tuple[str, ...] = ()
    mode: Mode = Mode.SHARE
    only: str = ""
    zoom: tuple[str, str] | tuple[()] = ()
    tags: tuple[str, ...] = ()

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """What is looked at, UTC. Of a View that read_view gave it always holds."""
        return _ends(*(self.zoom or (self.since, self.until)), now)

    def whole(self, now: datetime) -> tuple[datetime, datetime]:
        """The range that a zoom is a part of, UTC."""
        return _ends(self.since, self.until, now)

    @property
    def follows(self) -> bool:
        """Whether what is looked at ends now, and moves on with it."""
        return self.until == "now" and not self.zoom


@dataclass(frozen=True, slots=True)
class Reading:
    """A view, and for its reader a line on each thing that was asked for and is not shown."""

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
    """The preset's begin that the view's range is, or CUSTOM."""
    return view.since if view.until == "now" and view.since in PRESETS.values() else CUSTOM


def moment(text: str, now: datetime) -> datetime | None:
    """The moment that `text` means, UTC; without an offset it is read as UTC. None for none."""
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


def range_trouble(since: datetime | None, until: datetime | None) -> str:
    """Why that is no range that can be shown; "" where it is one."""
    if since is None or until is None:
        return "A range needs a begin and an end."
    if since >= until:
        return "A range begins before it ends."
    if since.year < _FIRST_YEAR or until - since > LONGEST:
        return "A range is ten years at most."
    return ""


def read_view(query: str | None, now: datetime, zone: tzinfo) -> Reading:
    """The view that an address's query asks for. Nothing in it makes this raise.

    zone: the viewer's, whose clock a time without an offset is meant on.
    """
    query = (query or "").removeprefix("?")
    if len(query) > _LONGEST_QUERY:
        return Reading(View(), ("The address is too long to be read; showing the last 24 hours.",))
    asked = parse_qs(query, keep_blank_values=True)
    notes: list[str] = []
    begin, end = (_utc(_last(asked, key), zone) for key in ("from", "to"))
    since, until = _read_range(begin, end, now, notes)
    sources, tags = (_read_names(query, key, notes) for key in ("sources", "tags"))
    mode, only = _read_mode(_last(asked, "mode"), notes), _last(asked, "only") or ""
    only = only if only in LABELS else ""
    zoom = _read_zoom(_last(asked, "zoom"), now, zone, notes)
    return Reading(View(since, until, sources, mode, only, zoom, tags), (*notes,))


def write_view(view: View) -> str:
    """The query that read_view reads the view from. Each name is escaped, so it may have commas."""
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
    begin, end = moment(since, now), moment(until, now)
    if begin is None or end is None:
        raise ValueError(f"no range: {since!r} to {until!r}")
    return begin, end


def _utc(text: str | None, zone: tzinfo) -> str | None:
    """A time without an offset, which is one of the viewer's clock, with it; others as they are."""
    try:
        found = datetime.fromisoformat(text or "")
        if found.tzinfo is None:
            return found.replace(tzinfo=zone).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        pass  # `moment` says what is wrong with it.
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
    trouble = range_trouble(moment(asked[0], now), moment(asked[1], now))
    if not trouble:
        return asked
    notes.append(
        f"The range “{_shown(asked[0])}” to “{_shown(asked[1])}” cannot be shown; "
        f"showing the last 24 hours. {trouble}"
    )
    return default.since, default.until


def _read_zoom(
    text: str | None, now: datetime, zone: tzinfo, notes: list[str]
) -> tuple[str, str] | tuple[()]:
    """ "2026-11-20T08:00Z/2026-11-20T12:00Z", as ISO 8601 writes an interval."""
    if not text:
        return ()
    begin, end = (_utc(one, zone) or "" for one in text.partition("/")[::2])
    if trouble := range_trouble(moment(begin, now), moment(end, now)):
        notes.append(f"The zoom “{_shown(text)}” cannot be shown; showing the range. {trouble}")
        return ()
    return begin, end


def _read_names(query: str, key: str, notes: list[str]) -> tuple[str, ...]:
    """Split before it is unescaped: an escaped comma is part of a name."""
    found = [part.partition("=")[2] for part in query.split("&") if part.startswith(f"{key}=")]
    if not found:
        return ()
    names = dict.fromkeys(unquote(name.replace("+", " ")) for name in found[-1].split(",") if name)
    if len(names) > MOST_SOURCES:
        notes.append(f"More than {MOST_SOURCES} {key} were asked for; showing all.")
        return ()
    return tuple(names)


def _read_mode(text: str | None, notes: list[str]) -> Mode:
    if text is None:
        return Mode.SHARE
    try:
        return Mode(text)
    except ValueError:
        notes.append(f"There is no mode “{_shown(text)}”; showing shares.")
        return Mode.SHARE


def _shown(text: str) -> str:
    """Of a stranger's text, as much as a line can hold."""
    text = "".join(one if one.isprintable() else "�" for one in text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
