"""Hours, days and weeks as the viewer's clock has them, over windows that are stored in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.errors import SettingsError
from contracts.times import MICROS, from_micros, to_micros
from records.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S, WIDTHS

WEEK_S: Final = 7 * DAY_S
STEPS: Final = (MINUTE_S, 5 * MINUTE_S, QUARTER_S, HOUR_S, DAY_S, WEEK_S, 4 * WEEK_S)
MOST_BUCKETS: Final = 400
"""Steps of a range, whoever asks; of their own accord answers have EASY_BUCKETS at most."""
EASY_BUCKETS: Final = 300
"""A day has 288 steps of five minutes; a year of days would be bars of three pixels."""
MOST_TOGETHER: Final = 3000
"""What a page draws, and a database adds up, while one waits."""
_MONDAY_S: Final = 4 * DAY_S
"""1970 began on a Thursday; its first Monday was the fifth of January."""
_LOOK: Final = timedelta(days=7)
"""No zone changes its offset, and changes it back, within a week."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From since_us until until_us, UTC, the viewer's clock is offset_s ahead of UTC."""

    since_us: int
    until_us: int
    offset_s: int


def zone_named(name: str) -> tzinfo:
    """The time zone of that IANA name. Raises SettingsError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SettingsError(f"no time zone {name!r}", hint="Example: Europe/Berlin") from exc


def stretches(since: datetime, until: datetime, zone: tzinfo) -> Iterator[Stretch]:
    """[since, until) in pieces within which the zone's offset does not change."""
    begin = since
    while begin < until:
        end = begin
        while end < until and _offset_s(end, zone) == _offset_s(begin, zone):
            last, end = end, min(end + _LOOK, until)
        if _offset_s(end, zone) != _offset_s(begin, zone):
            end = min(_change(last, end, zone), until)
        yield Stretch(to_micros(begin), to_micros(end), _offset_s(begin, zone))
        begin = end


def auto_step(since: datetime, until: datetime, series: int = 1) -> int:
    """The finest step, in seconds, that shows the range in at most EASY_BUCKETS.

    Of many series also in at most MOST_TOGETHER of them all.
    """
    span_s = (until - since).total_seconds()
    most = min(EASY_BUCKETS, MOST_TOGETHER // max(series, 1))
    return next((step for step in STEPS if span_s / step <= most), STEPS[-1])


def stored_width(step_s: int, offsets_s: set[int]) -> int:
    """The largest stored windows of which steps on that clock are made."""
    return max(
        width
        for width in WIDTHS
        if step_s % width == 0 and all(offset % width == 0 for offset in offsets_s)
    )


def bucket_index(moment: datetime, step_s: int, zone: tzinfo) -> int:
    """Which step of the local clock the moment lies in."""
    return (to_micros(moment) // MICROS + _offset_s(moment, zone) + shift_s(step_s)) // step_s


def bucket_begin(index: int, step_s: int, offset_s: int, zone: tzinfo) -> datetime:
    """Where that step begins, UTC.

    Up to an hour, by the offset: an hour that the clock shows twice is two. Days and weeks begin
    at midnight, whatever the offset is then.
    """
    local_s = index * step_s - shift_s(step_s)
    if step_s < DAY_S:
        return from_micros((local_s - offset_s) * MICROS)
    return from_micros(local_s * MICROS).replace(tzinfo=zone).astimezone(UTC)


def bucket_begins(since: datetime, until: datetime, step_s: int, zone: tzinfo) -> list[datetime]:
    """The begins of all steps that [since, until) touches, and the end of the last one."""
    begins: set[datetime] = set()
    for stretch in stretches(since, until, zone):
        first = bucket_index(from_micros(stretch.since_us), step_s, zone)
        last = bucket_index(from_micros(stretch.until_us - 1), step_s, zone)
        begins |= {
            bucket_begin(index, step_s, stretch.offset_s, zone) for index in range(first, last + 2)
        }
    ordered = sorted(begins)
    end = next((index for index, begin in enumerate(ordered) if begin >= until), -1)
    return ordered[: end + 1] if end >= 0 else ordered


def shift_s(step_s: int) -> int:
    """What is added to local time so that steps begin at its multiples: weeks on Mondays."""
    return WEEK_S - _MONDAY_S if step_s % WEEK_S == 0 else 0


def _offset_s(moment: datetime, zone: tzinfo) -> int:
    """To the quarter of an hour, of which all have been since 1980: nothing finer is stored."""
    offset = moment.astimezone(zone).utcoffset()
    return round(offset.total_seconds() / QUARTER_S) * QUARTER_S if offset is not None else 0


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first moment with the later offset, to the second."""
    offset_s = _offset_s(before, zone)
    low, high = to_micros(before) // MICROS, -(-to_micros(after) // MICROS)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_s(from_micros(middle * MICROS), zone) == offset_s:
            low = middle
        else:
            high = middle
    return from_micros(high * MICROS)
