"""Buckets on the viewer's clock: hours, days and weeks in a time zone, over windows in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.errors import SettingsError
from contracts.times import MICROS, from_micros, to_micros
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S, WIDTHS

WEEK_S: Final = 7 * DAY_S
STEPS: Final = (MINUTE_S, 5 * MINUTE_S, QUARTER_S, HOUR_S, DAY_S, WEEK_S, 4 * WEEK_S)
MAX_BUCKETS: Final = 400
"""The limit on the buckets of a range for a step that the caller gives."""
MAX_AUTO_BUCKETS: Final = 300
"""The limit for automatic steps: a day of five-minute steps, 288, fits; a year of days does not."""
MAX_AUTO_BUCKETS_ALL_SERIES: Final = 3000
"""The limit for automatic steps over all series: what a page can load and draw quickly."""
_MONDAY_S: Final = 4 * DAY_S
"""The time from 1970-01-01, a Thursday, to the first Monday."""
_SEARCH_STEP: Final = timedelta(days=7)
"""No zone changes its offset and changes it back within a week."""


@dataclass(frozen=True, slots=True)
class OffsetSpan:
    """A time, in UTC microseconds, in which the viewer's clock is offset_s ahead of UTC."""

    since_us: int
    until_us: int
    offset_s: int


def zone_named(name: str) -> tzinfo:
    """Return the time zone with this IANA name. Raises SettingsError if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SettingsError(
            f"unknown time zone {name!r}", hint="Use an IANA name such as Europe/Berlin"
        ) from exc


def offset_spans(since: datetime, until: datetime, zone: tzinfo) -> Iterator[OffsetSpan]:
    """Split [since, until) where the zone's offset changes."""
    begin = since
    while begin < until:
        end = begin
        while end < until and _offset_s(end, zone) == _offset_s(begin, zone):
            last, end = end, min(end + _SEARCH_STEP, until)
        if _offset_s(end, zone) != _offset_s(begin, zone):
            end = min(_offset_change(last, end, zone), until)
        yield OffsetSpan(to_micros(begin), to_micros(end), _offset_s(begin, zone))
        begin = end


def auto_step(since: datetime, until: datetime, series: int = 1) -> int:
    """Return the finest step in seconds that keeps within both limits for automatic steps."""
    most = min(MAX_AUTO_BUCKETS, MAX_AUTO_BUCKETS_ALL_SERIES // max(series, 1))
    return finest_step(since, until, most)


def finest_step(since: datetime, until: datetime, most: int) -> int:
    """Return the finest step in seconds with at most that many steps in the range."""
    span_s = (until - since).total_seconds()
    return next((step for step in STEPS if span_s / step <= most), STEPS[-1])


def stored_width(step_s: int, offsets_s: set[int]) -> int:
    """Return the largest window width of which buckets at these offsets consist."""
    return max(
        width
        for width in WIDTHS
        if step_s % width == 0 and all(offset % width == 0 for offset in offsets_s)
    )


def bucket_index(moment: datetime, step_s: int, zone: tzinfo) -> int:
    """Return the index of the bucket that the moment lies in, on the zone's clock."""
    return (to_micros(moment) // MICROS + _offset_s(moment, zone) + week_shift_s(step_s)) // step_s


def bucket_begin(index: int, step_s: int, offset_s: int, zone: tzinfo) -> datetime:
    """Return the begin of a bucket, in UTC.

    Steps of up to an hour use offset_s, so an hour that the clock shows twice is two buckets. Days
    and weeks begin at local midnight, whatever the offset is then.
    """
    local_s = index * step_s - week_shift_s(step_s)
    if step_s < DAY_S:
        return from_micros((local_s - offset_s) * MICROS)
    return from_micros(local_s * MICROS).replace(tzinfo=zone).astimezone(UTC)


def bucket_begins(since: datetime, until: datetime, step_s: int, zone: tzinfo) -> list[datetime]:
    """Return the begins of all buckets that overlap [since, until), and the end of the last."""
    begins: set[datetime] = set()
    for span in offset_spans(since, until, zone):
        first = bucket_index(from_micros(span.since_us), step_s, zone)
        last = bucket_index(from_micros(span.until_us - 1), step_s, zone)
        begins |= {
            bucket_begin(index, step_s, span.offset_s, zone) for index in range(first, last + 2)
        }
    ordered = sorted(begins)
    end = next((index for index, begin in enumerate(ordered) if begin >= until), -1)
    return ordered[: end + 1] if end >= 0 else ordered


def week_shift_s(step_s: int) -> int:
    """Return the seconds to add to local time so that buckets of whole weeks begin on Mondays."""
    return WEEK_S - _MONDAY_S if step_s % WEEK_S == 0 else 0


def _offset_s(moment: datetime, zone: tzinfo) -> int:
    """The offset, rounded to quarters of an hour: all offsets since 1980 are multiples of it."""
    offset = moment.astimezone(zone).utcoffset()
    return round(offset.total_seconds() / QUARTER_S) * QUARTER_S if offset is not None else 0


def _offset_change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the first moment with the later offset, to the second."""
    offset_s = _offset_s(before, zone)
    low, high = to_micros(before) // MICROS, -(-to_micros(after) // MICROS)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_s(from_micros(middle * MICROS), zone) == offset_s:
            low = middle
        else:
            high = middle
    return from_micros(high * MICROS)
