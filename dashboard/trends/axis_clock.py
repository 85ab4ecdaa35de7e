"""Where a moment lies on a chart's axis, which knows no time zones: on the viewer's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from analytics.history.trends import Bucket
from records.windows import DAY_S


@dataclass(frozen=True, slots=True)
class AxisClock:
    """The clock of an axis. note: what its reader has to know of it, or "".

    offset_s: ahead of UTC, where it is not the viewer's own clock; else None.
    """

    zone: tzinfo
    note: str
    offset_s: int | None = None

    def place(self, at: datetime) -> str:
        """The moment as the axis takes it: a local time without an offset."""
        return at.astimezone(self.zone).replace(tzinfo=None).isoformat()

    def width_ms(self, begin: datetime, end: datetime) -> float:
        """How wide it lies there; a day is 24 h, also when the clocks changed in it."""
        begin, end = (one.astimezone(self.zone).replace(tzinfo=None) for one in (begin, end))
        return (end - begin) / timedelta(milliseconds=1)


def axis_clock(buckets: Sequence[Bucket], zone: tzinfo, step_s: int) -> AxisClock:
    """The viewer's clock; where it changed among the hours, the one that it ends with.

    An hour that the clock shows twice would otherwise be drawn upon itself.
    """
    if step_s >= DAY_S or not buckets:
        return AxisClock(zone, "")
    offsets = {one.begin.astimezone(zone).utcoffset() for one in buckets}
    if len(offsets) == 1:
        return AxisClock(zone, "")
    last = buckets[-1].begin.astimezone(zone).utcoffset() or timedelta()
    fixed = timezone(last) if last else UTC
    note = f"The clocks changed in this range: the axis is in {fixed}."
    return AxisClock(fixed, note, int(last.total_seconds()))
