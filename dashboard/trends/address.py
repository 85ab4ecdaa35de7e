"""The address of the page Trends: its query is the view.

An address may come from anywhere: an invalid part is replaced by its default, with a note.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final
from urllib.parse import parse_qs, quote, unquote

from analytics.comparison.earlier_times import Against
from analytics.comparison.ranking import RANKS
from analytics.comparison.written_ranges import CALENDAR, parse_time, range_error
from analytics.history.source_selection import MAX_SOURCES
from contracts.expressions import LABELS
from dashboard.language.words import N_, _
from dashboard.trends.view import DEFAULT, Mode, View

_MAX_QUERY_LENGTH: Final = 65_536
_MAX_EXCERPT: Final = 40


@dataclass(frozen=True, slots=True)
class ParsedView:
    """A view, and a note on each part of the address that is invalid."""

    view: View
    notes: tuple[str, ...] = ()


def read_view(query: str | None, now: datetime, zone: tzinfo) -> ParsedView:
    """Return the view that an address's query asks for. It raises for no query.

    zone: of times without an offset.
    """
    query = (query or "").removeprefix("?")
    if len(query) > _MAX_QUERY_LENGTH:
        return ParsedView(View(), (_("The address is too long; showing the last 24 hours."),))
    asked = parse_qs(query, keep_blank_values=True)
    notes: list[str] = []
    begin, end = (_utc(_last(asked, key), zone) for key in ("from", "to"))
    since, until = _read_range(begin, end, now, notes)
    sources, tags = (_read_names(query, key, notes) for key in ("sources", "tags"))
    mode, only = _read_mode(_last(asked, "mode"), notes), _last(asked, "only") or ""
    only = only if only in LABELS else ""
    zoom = _read_interval("zoom", _last(asked, "zoom"), now, zone, notes)
    compare = _read_compare(_last(asked, "compare"), now, zone, notes)
    rank = _last(asked, "rank") or ""
    view = View(
        since,
        until,
        sources,
        mode,
        only,
        zoom,
        tags,
        compare,
        rank if rank in RANKS else DEFAULT.rank,
        fits=begin is None and end is None,
    )
    return ParsedView(view, (*notes,))


def write_view(view: View) -> str:
    """Return the query of a view. Names are escaped, so they may contain commas."""
    parts = []
    if not view.fits:
        parts = [("from", quote(view.since, safe=":/")), ("to", quote(view.until, safe=":/"))]
    if view.sources:
        parts.append(("sources", ",".join(quote(name, safe="") for name in view.sources)))
    if view.tags:
        parts.append(("tags", ",".join(quote(tag, safe="") for tag in view.tags)))
    parts.append(("mode", view.mode.value))
    if view.only:
        parts.append(("only", view.only))
    if view.zoom:
        parts.append(("zoom", quote("/".join(view.zoom), safe=":/")))
    if view.compare != DEFAULT.compare:
        parts.append(("compare", quote(view.compare, safe=":/")))
    if view.rank != DEFAULT.rank:
        parts.append(("rank", view.rank))
    return "?" + "&".join(f"{key}={value}" for key, value in parts)


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
    asked = (since or DEFAULT.since, until or DEFAULT.until)
    if (since, until) == (None, None) or asked in CALENDAR:
        return asked
    error = range_error(parse_time(asked[0], now), parse_time(asked[1], now))
    if not error:
        return asked
    notes.append(
        _(
            "The range “{since}” to “{until}” cannot be shown; showing the last 24 hours. {reason}",
            since=_excerpt(asked[0]),
            until=_excerpt(asked[1]),
            reason=error,
        )
    )
    return DEFAULT.since, DEFAULT.until


def _read_interval(
    name: str, text: str | None, now: datetime, zone: tzinfo, notes: list[str]
) -> tuple[str, str] | tuple[()]:
    """Read an ISO 8601 interval such as "2026-11-20T08:00Z/2026-11-20T12:00Z"."""
    if not text:
        return ()
    begin, end = (_utc(one, zone) or "" for one in text.partition("/")[::2])
    if error := range_error(parse_time(begin, now), parse_time(end, now)):
        text_of = {
            "zoom": N_("The zoom “{text}” cannot be shown; showing the range. {reason}"),
            "comparison": N_(
                "The comparison “{text}” cannot be shown; showing the range. {reason}"
            ),
        }
        notes.append(_(text_of[name], text=_excerpt(text), reason=error))
        return ()
    return begin, end


def _read_compare(text: str | None, now: datetime, zone: tzinfo, notes: list[str]) -> str:
    """Read an Against, or an interval; its ends are kept as UTC."""
    if not text or text in [*Against]:
        return text or DEFAULT.compare
    ends = [
        f"{moment:%Y-%m-%dT%H:%MZ}"
        for end in _read_interval("comparison", text, now, zone, notes)
        if (moment := parse_time(end, now)) is not None
    ]
    return "/".join(ends) if len(set(ends)) > 1 else DEFAULT.compare


def _read_names(query: str, key: str, notes: list[str]) -> tuple[str, ...]:
    """Split before unescaping: an escaped comma is part of a name."""
    found = [part.partition("=")[2] for part in query.split("&") if part.startswith(f"{key}=")]
    if not found:
        return ()
    names = dict.fromkeys(unquote(name.replace("+", " ")) for name in found[-1].split(",") if name)
    if len(names) > MAX_SOURCES:
        text = {
            "sources": N_("The address names more than {most} sources; showing all."),
            "tags": N_("The address names more than {most} tags; showing all."),
        }[key]
        notes.append(_(text, most=MAX_SOURCES))
        return ()
    return tuple(names)


def _read_mode(text: str | None, notes: list[str]) -> Mode:
    if text is None:
        return Mode.SHARE
    try:
        return Mode(text)
    except ValueError:
        notes.append(_("There is no mode “{mode}”; showing shares.", mode=_excerpt(text)))
        return Mode.SHARE


def _excerpt(text: str) -> str:
    """Return text from an address, shortened and without control characters."""
    text = "".join(one if one.isprintable() else "�" for one in text)
    return text if len(text) <= _MAX_EXCERPT else text[: _MAX_EXCERPT - 1] + "…"
