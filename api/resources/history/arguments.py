"""The arguments of a range: the same as in an address of the page Trends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Annotated
from urllib.parse import unquote_plus

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from analytics.comparison.earlier_times import (
    Against,
    CalendarRange,
    EarlierTime,
    earlier_time,
    given_time,
)
from analytics.comparison.written_ranges import parse_time, range_error, written_range
from analytics.history.local_time import STEPS, zone_named
from analytics.history.source_selection import MAX_SOURCES
from contracts.errors import ApiError, SettingsError
from contracts.times import utc_now

_TIME = "`now`, `now-24h` (m, h, d, w, y), or RFC 3339; without an offset it is UTC."


class RangeArguments(BaseModel):
    """A range of some sources."""

    model_config = ConfigDict(populate_by_name=True)

    since: Annotated[
        str,
        Field(
            alias="from",
            max_length=64,
            description=f"Begin of the range: {_TIME} `now/d` and `now/w` with `to=now`, and "
            "`now-1d/d` with `to=now/d`, are today, this week and yesterday. What is relative to "
            "now is rounded down to a minute.",
            examples=["now-24h"],
        ),
    ] = "now-24h"
    until: Annotated[
        str, Field(alias="to", max_length=64, description=f"End of the range: {_TIME}")
    ] = "now"
    sources: Annotated[
        list[str],
        Field(
            max_length=MAX_SOURCES,
            description="Names of the only sources. Repeat it for several, or separate them by "
            "commas that are not escaped, as an address of Trends does.",
        ),
    ] = []
    tags: Annotated[
        list[str], Field(max_length=MAX_SOURCES, description="Sources with these tags.")
    ] = []
    zone: Annotated[
        str,
        Field(
            max_length=64,
            description="IANA time zone of days and weeks. Default: MOODLINE_TIMEZONE.",
            examples=["Europe/Berlin"],
        ),
    ] = ""


class SteppedArguments(RangeArguments):
    """A range in equal steps."""

    step: Annotated[
        int | None,
        Field(
            description="Seconds of a bucket. Default: the finest that the range allows.",
            json_schema_extra={"enum": [*STEPS]},
        ),
    ] = None


class ComparedArguments(RangeArguments):
    """A range, and the earlier time that it is compared with."""

    compare: Annotated[
        str,
        Field(
            max_length=128,
            description="`previous`: the time right before. `weekday`: the same weekdays, whole "
            "weeks before. `none`. Or two times with a slash between them.",
            examples=["previous"],
        ),
    ] = Against.PREVIOUS.value


@dataclass(frozen=True, slots=True)
class AskedRange:
    """A range of some sources, as it was understood."""

    since: datetime
    until: datetime
    zone: tzinfo
    sources: Sequence[str]
    tags: Sequence[str]
    now: datetime
    calendar: CalendarRange | None

    @classmethod
    def of(cls, asked: RangeArguments, request: Request, zone: tzinfo) -> "AskedRange":
        """Return the range of the request. zone: where it names none. Raises ApiError."""
        now = utc_now().replace(second=0, microsecond=0)
        try:
            clock = zone_named(asked.zone) if asked.zone else zone
            since, until, calendar = written_range(asked.since, asked.until, clock, now)
        except SettingsError as exc:
            raise ApiError("invalid-request", str(exc), hint=exc.hint) from exc
        query = request.url.query
        sources, tags = (_names(query, name) for name in ("sources", "tags"))
        return cls(since, until, clock, sources, tags, now, calendar)

    def earlier(self, compare: str) -> EarlierTime | None:
        """Return the earlier time to compare with, None for none. Raises ApiError."""
        if compare in [*Against]:
            span = (self.since, self.until)
            return earlier_time(*span, self.zone, Against(compare), self.calendar)
        begin, end = (parse_time(one, self.now) for one in compare.partition("/")[::2])
        error = range_error(begin, end)
        if begin is None or end is None or error:
            raise ApiError(
                "invalid-request",
                f"invalid time to compare with: {compare[:40]!r}",
                hint="Use previous, weekday, none, or BEGIN/END",
                errors=[("query.compare", error)],
            )
        return given_time(begin, end, self.zone)


def _names(query: str, key: str) -> tuple[str, ...]:
    """Return the names of a parameter. Split before unescaping: a name may have a comma."""
    parts = (part.partition("=") for part in query.split("&"))
    given = [value for name, _, value in parts if unquote_plus(name) == key]
    names = [unquote_plus(one) for value in given for one in value.split(",") if one]
    if wrong := next((one for one in names if not one.isprintable()), None):
        raise ApiError("invalid-request", f"invalid name {wrong[:40]!r} in {key}")
    return tuple(dict.fromkeys(names))
