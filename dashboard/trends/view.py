"""The view: a time range, what it is compared with, and what is shown of it."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Final

from analytics.comparison.earlier_times import (
    Against,
    EarlierTime,
    calendar_ends,
    earlier_time,
    given_time,
)
from analytics.comparison.written_ranges import CALENDAR, parse_time
from dashboard.language.words import N_


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
    """A time range and what is shown of it. Ends are "now", "now-24h", ISO 8601 or of CALENDAR.

    sources: each a series; with neither sources nor tags, all sources. tags: each a series of all
    its sources together. only: the one label that is drawn, or "" for all. zoom: the ends of the
    part of the range that is shown; () for all of it. compare: an Against, or an ISO 8601 interval.
    rank: one of RANKS. fits: no range was asked for, so that it may be fitted to the history.
    """

    since: str = "now-24h"
    until: str = "now"
    sources: tuple[str, ...] = ()
    mode: Mode = Mode.SHARE
    only: str = ""
    zoom: tuple[str, str] | tuple[()] = ()
    tags: tuple[str, ...] = ()
    compare: str = Against.PREVIOUS.value
    rank: str = "happy"
    fits: bool = False

    def span(self, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return begin and end of what is shown, UTC. It never raises for a view of read_view."""
        return _ends(*self.zoom, now) if self.zoom else self.full_range(now, zone)

    def full_range(self, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
        """Return begin and end of the range without the zoom, UTC."""
        calendar = CALENDAR.get((self.since, self.until))
        if calendar is not None:
            return calendar_ends(calendar, zone, now)
        return _ends(self.since, self.until, now)

    def earlier(self, span: tuple[datetime, datetime], zone: tzinfo) -> EarlierTime | None:
        """Return the time that the shown span is compared with; None if it is not compared."""
        if "/" in self.compare:
            begin, end = (datetime.fromisoformat(one) for one in self.compare.split("/"))
            return given_time(begin, end, zone)
        calendar = None if self.zoom else CALENDAR.get((self.since, self.until))
        return earlier_time(*span, zone, Against(self.compare), calendar)

    @property
    def follows_now(self) -> bool:
        """Whether the shown range ends now, so that it moves with time."""
        return self.until == "now" and not self.zoom


DEFAULT: Final = View()
PRESETS: Final = {
    N_("Today"): "now/d..now",
    N_("Yesterday"): "now-1d/d..now/d",
    N_("This week"): "now/w..now",
    N_("1 h"): "now-1h..now",
    N_("24 h"): "now-24h..now",
    N_("7 d"): "now-7d..now",
    N_("30 d"): "now-30d..now",
    N_("1 y"): "now-1y..now",
}
"""The ranges of the buttons, as both ends."""
CUSTOM: Final = "custom"


def preset(view: View) -> str:
    """Return the preset that the view's range is, or CUSTOM."""
    ends = f"{view.since}..{view.until}"
    return ends if ends in PRESETS.values() else CUSTOM


def _ends(since: str, until: str, now: datetime) -> tuple[datetime, datetime]:
    begin, end = parse_time(since, now), parse_time(until, now)
    if begin is None or end is None:
        raise ValueError(f"invalid range {since!r} to {until!r}")
    return begin, end
