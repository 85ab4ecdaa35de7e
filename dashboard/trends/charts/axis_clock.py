"""The clock of a chart's axis. Plotly's axes know no time zones: they get local times."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from analytics.history.timeline import Bucket
from dashboard.language.words import _
from records.rollups.windows import DAY_S


@dataclass(frozen=True, slots=True)
class AxisClock:
    """The zone of an axis. note: a remark for the reader, or "".

    offset_s: seconds ahead of UTC if the zone is not the viewer's own, else None.
    """

    zone: tzinfo
    note: str
    offset_s: int | None = None

    def position(self, at: datetime) -> str:
        """Return the local time without an offset, as the axis takes it."""
        return at.astimezone(self.zone).replace(tzinfo=None).isoformat()

    def width_ms(self, begin: datetime, end: datetime) -> float:
        """Return the width on the axis. A day has 24 h, also when the clocks change in it."""
        begin, end = (one.astimezone(self.zone).replace(tzinfo=None) for one in (begin, end))
        return (end - begin) / timedelta(milliseconds=1)


def axis_clock(buckets: Sequence[Bucket], zone: tzinfo, step_s: int) -> AxisClock:
    """Return the viewer's clock; if its offset changes in the range, the last offset for all.

    Otherwise the hour that a clock shows twice would be drawn on top of itself.
    """
    if step_s >= DAY_S or not buckets:
        return AxisClock(zone, "")
    offsets = {one.begin.astimezone(zone).utcoffset() for one in buckets}
    if len(offsets) == 1:
        return AxisClock(zone, "")
    last = buckets[-1].begin.astimezone(zone).utcoffset() or timedelta()
    fixed = timezone(last) if last else UTC
    note = _("The clocks changed in this range: the axis is in {zone}.", zone=fixed)
    return AxisClock(fixed, note, int(last.total_seconds()))
