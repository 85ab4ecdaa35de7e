"""One live source as `moodline source show` prints it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from rich.text import Text
from sqlalchemy import Engine

from analytics.now.live_sources import latest_intervals, time_in_states
from analytics.now.live_status import LiveStatus, live_status
from analytics.snapshots import snapshot
from broker.heartbeats import Heartbeats
from contracts.live_sources import LiveSource
from contracts.times import utc_now
from contracts.zones.zone import zones_text
from moodline.terminal.output import Screen, format_duration
from records.sources.live_sources import find_source
from runtime.visible_text import visible

_MAX_INTERVALS: Final = 8
_UPTIME_RANGE: Final = timedelta(days=1)
_STREAMING: Final = "streaming"


@dataclass(frozen=True, slots=True)
class StateInterval:
    """A time during which the source was in one state. since: ISO 8601, UTC."""

    state: str
    reason: str
    since: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SourceDetails:
    """A source: its settings, its state now, and its states before.

    uptime_s: seconds by state in the last 24
    hours. intervals: the latest first.
    """

    source: LiveSource
    now: LiveStatus
    uptime_s: Mapping[str, float]
    intervals: Sequence[StateInterval]

    def as_json(self) -> dict[str, Any]:
        """Return the documented fields of `moodline source show --json`."""
        return {
            **asdict(self.now),
            "host": self.source.host or "any",
            "fps_limit": self.source.sampling_fps,
            "max_side": self.source.max_side,
            "looped": self.source.looped,
            "uptime_s": dict(self.uptime_s),
            "intervals": list(self.intervals),
        }


def read_source(engine: Engine, name: str, heartbeats: Heartbeats | None) -> SourceDetails:
    """Return the source's details. heartbeats: as of `live_status`. Raises SourceNotFoundError."""
    source, until = find_source(engine, name), utc_now()
    with snapshot(engine) as connection:
        statuses = live_status(connection, heartbeats)
        by_state = time_in_states(connection, source.name, until - _UPTIME_RANGE, until)
        latest = latest_intervals(connection, source.name, limit=_MAX_INTERVALS)
    now = next(one for one in statuses if one.name == source.name)
    return SourceDetails(
        source,
        now,
        {str(state): round(seconds, 1) for state, seconds in by_state.items()},
        [
            StateInterval(
                str(one.state),
                one.reason,
                one.since.isoformat(),
                round((one.until - one.since).total_seconds(), 1),
            )
            for one in latest
        ],
    )


def print_source(details: SourceDetails) -> None:
    """Print the details, a line each."""
    console = Screen(soft_wrap=True)
    document = details.as_json() | {
        "zones": zones_text(details.source.zones),
        "min_face": details.source.min_face_px,
    }
    names = ("name", "state", "reason", "uri", "host", "fps_limit", "max_side", "tags", "rotate")
    for name in (*names, "mirror", "zones", "min_face", "keep_static"):
        value = document[name]
        text = ", ".join(value) if isinstance(value, (list, tuple)) else value
        shown = "—" if text in (None, "") else visible(str(text))
        console.print(Text(f"{name.replace('_', ' '):10} {shown}"))
    up_s, known_s = details.uptime_s.get(_STREAMING, 0.0), sum(details.uptime_s.values())
    share = f", {up_s / known_s:.1%} of the time with a heartbeat" if known_s else ""
    console.print(
        f"uptime     {format_duration(up_s)} in the last 24 hours{share}", highlight=False
    )
    for one in details.intervals:
        line = f"  {one.since[:19]}  {one.state:12} {format_duration(one.seconds):>11}  "
        console.print(Text(line + visible(one.reason)))
