"""What the live sources' processes tell their supervisor, a JSON line each half second."""

import json
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.live_sources import LiveState
from ingest.live.conditions import Condition
from ingest.live.reader import LiveReader

_RATE_SPAN_S: Final = 5.0
_LONGEST_REASON: Final = 400
_TOLD_FOR_S: Final = 60.0
_CLOCK_SET: Final = "the clock of this host was set"


@dataclass(frozen=True, slots=True)
class LiveNews:
    """Of one source. since: ISO 8601, UTC. fps: pictures that came a second, of late.

    ended: its file is over.
    """

    source: str
    state: LiveState
    reason: str
    since: str
    run_id: str = ""
    fps: float = 0.0
    last_frame_age_s: float | None = None
    ended: bool = False

    def encode(self) -> bytes:
        """As one line, short enough that the kernel does not mix it with another process's."""
        values = asdict(self) | {"reason": self.reason[:_LONGEST_REASON]}
        return json.dumps(values).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Exited:
    """A source's process ended. status: as of subprocess: a signal is negative."""

    source: str
    status: int

    def encode(self) -> bytes:
        """As one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def decode(line: bytes) -> LiveNews | Exited:
    """What either `encode` wrote."""
    values = json.loads(line)
    if "status" in values:
        return Exited(**values)
    return LiveNews(**values | {"state": LiveState(values["state"])})


class NewsMaker:
    """Makes the news of one reader. Its times are of the reader's clock."""

    def __init__(self, source: str, reader: LiveReader) -> None:
        self._source = source
        self._reader = reader
        self._told: tuple[LiveState, float, int] | None = None
        self._since = ""
        self._counts: deque[tuple[float, int]] = deque()

    def make(self, run_id: str, trouble: str, *, ended: bool = False) -> LiveNews:
        """trouble: what keeps its pictures from being published, or ""."""
        condition, clock = self._reader.condition, self._reader.clock
        clock.captured_at()  # Notices a step also where no picture comes.
        now_s = clock.now_s()
        was_set = clock.stepped_s is not None and now_s - clock.stepped_s < _TOLD_FOR_S
        last_s = self._reader.last_picture_s
        return LiveNews(
            source=self._source,
            state=condition.state,
            reason=condition.reason or trouble or (_CLOCK_SET if was_set else ""),
            since=self._since_utc(condition, now_s),
            run_id=run_id,
            fps=self._rate(now_s),
            last_frame_age_s=None if last_s is None else round(max(now_s - last_s, 0.0), 2),
            ended=ended,
        )

    def _since_utc(self, condition: Condition, now_s: float) -> str:
        # Worked out once: the same interval has to have the same begin each time.
        clock, told = self._reader.clock, self._told
        if told != (condition.state, condition.since_s, clock.steps):
            self._told = (condition.state, condition.since_s, clock.steps)
            # What was before a step of the wall clock is an interval of its own.
            since_s = (
                condition.since_s
                if clock.stepped_s is None
                else max(condition.since_s, clock.stepped_s)
            )
            begin = datetime.now(UTC) - timedelta(seconds=max(now_s - since_s, 0.0))
            self._since = begin.isoformat()
        return self._since

    def _rate(self, now_s: float) -> float:
        self._counts.append((now_s, self._reader.counters().captured))
        while len(self._counts) > 1 and self._counts[0][0] < now_s - _RATE_SPAN_S:
            self._counts.popleft()
        (first_s, first), (last_s, last) = self._counts[0], self._counts[-1]
        return round((last - first) / (last_s - first_s), 1) if last_s > first_s else 0.0
