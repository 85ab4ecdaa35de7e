"""The messages that the supervisor receives: each source's status, and ended processes."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from contracts.live_sources import UNANALYZED, UNANALYZED_S, LiveState
from ingest.live.conditions import SourceCondition
from ingest.live.reader import LiveReader
from runtime.pipes import PipeMessage

_RATE_SPAN_S: Final = 5.0
_LONGEST_REASON: Final = 400
"""Characters: the message must fit into one write, because the processes share the pipe."""
_SHOW_CLOCK_STEP_S: Final = 60.0
_CLOCK_SET: Final = "the clock of this host was set"


@dataclass(frozen=True, slots=True)
class SourceStatus(PipeMessage):
    """The status of one source. since: when it entered the state, UTC.

    fps: frames received per second, over the last five seconds. ended: whether its file is over.
    """

    source: str
    state: LiveState
    reason: str
    since: datetime
    run_id: str = ""
    fps: float = 0.0
    last_frame_age_s: float | None = None
    ended: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "reason": self.reason[:_LONGEST_REASON],
            "since": self.since.isoformat(),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        return cls(
            **fields
            | {
                "state": LiveState(fields["state"]),
                "since": datetime.fromisoformat(fields["since"]),
            }
        )


@dataclass(frozen=True, slots=True)
class ProcessEnded(PipeMessage):
    """The process of a source ended. status: exit status; negative: the signal that killed it."""

    source: str
    status: int


Report = SourceStatus | ProcessEnded


class StatusBuilder:
    """Builds the status of the source that a reader reads. Its times are the reader's clock's."""

    def __init__(self, source: str, reader: LiveReader) -> None:
        self._source = source
        self._reader = reader
        self._reported: tuple[LiveState, float, int] | None = None
        self._since = datetime.now(UTC)
        self._counts: deque[tuple[float, int]] = deque()

    def build(
        self,
        run_id: str,
        trouble: str,
        *,
        waiting_since_s: float | None = None,
        ended: bool = False,
    ) -> SourceStatus:
        """Return the status now. trouble: why frames cannot be published, or "".

        waiting_since_s: since when no frame was analysed, on the reader's clock.
        """
        condition, clock = self._reader.condition, self._reader.clock
        clock.captured_at()  # Detects a clock step even if no frame arrives.
        now_s = clock.now_s()
        is_waiting = waiting_since_s is not None and now_s - waiting_since_s > UNANALYZED_S
        if is_waiting and condition.state is LiveState.STREAMING:
            assert waiting_since_s is not None
            condition = SourceCondition(
                LiveState.STALLED, waiting_since_s + UNANALYZED_S, trouble or UNANALYZED
            )
        was_set = clock.stepped_s is not None and now_s - clock.stepped_s < _SHOW_CLOCK_STEP_S
        last_s = self._reader.last_frame_s
        return SourceStatus(
            source=self._source,
            state=condition.state,
            reason=condition.reason or trouble or (_CLOCK_SET if was_set else ""),
            since=self._since_utc(condition, now_s),
            run_id=run_id,
            fps=self._rate(now_s),
            last_frame_age_s=None if last_s is None else round(max(now_s - last_s, 0.0), 2),
            ended=ended,
        )

    def _since_utc(self, condition: SourceCondition, now_s: float) -> datetime:
        # Computed once for each interval, so that its start is the same in every report.
        clock = self._reader.clock
        current = (condition.state, condition.since_s, clock.steps)
        if self._reported != current:
            self._reported = current
            # A step of the wall clock starts a new interval.
            since_s = (
                condition.since_s
                if clock.stepped_s is None
                else max(condition.since_s, clock.stepped_s)
            )
            self._since = datetime.now(UTC) - timedelta(seconds=max(now_s - since_s, 0.0))
        return self._since

    def _rate(self, now_s: float) -> float:
        self._counts.append((now_s, self._reader.counters().captured))
        while len(self._counts) > 1 and self._counts[0][0] < now_s - _RATE_SPAN_S:
            self._counts.popleft()
        (first_s, first), (last_s, last) = self._counts[0], self._counts[-1]
        return round((last - first) / (last_s - first_s), 1) if last_s > first_s else 0.0
