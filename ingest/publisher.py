"""Publish one recording: every sampled frame onto its run's stream, in order, without loss.

SQL's cursor says where to begin, so a first start, a restart after a kill and a rewind after
a broker loss are one and the same thing.
"""

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine, select, update

from contracts.bus import Bus, RunPublisher, StreamLimits
from contracts.errors import BrokerError, StreamLostError
from contracts.failpoints import failpoint
from contracts.frames import End, FrameMessage
from contracts.records import (
    ENDED_STATES,
    Run,
    RunProgress,
    RunState,
    from_micros,
    to_micros,
    utc_now,
)
from ingest.capture_time import base_time
from ingest.file_source import FileSource
from ingest.sources import FrameSource, SourceFrame, SourceInfo

log = structlog.get_logger()

_TURNS_A_LOOK: Final = 200
"""Turns of waiting for room after which is looked whether the run was cancelled."""
_POLL_S: Final = 0.004
_MAX_RESTARTS_WITHOUT_PROGRESS: Final = 5


@dataclass(frozen=True, slots=True)
class Assignment:
    """A run to publish, as its row says."""

    run_pk: int
    run_id: str
    path: Path
    sampling_fps: float | None
    max_frame_side: int
    recorded_at: datetime | None
    recorded_at_pattern: str | None
    base: datetime | None


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where SQL says the run stands: first missing seq, and how to get the source there."""

    next_seq: int
    from_seq: int
    source_cursor: str

    @classmethod
    def read(cls, next_seq: int, stored: str) -> "_Cursor":
        if not stored:
            return cls(next_seq, 1, "")
        values = json.loads(stored)
        return cls(next_seq, values["seq"], values["source"])


class FilePublisher:
    """Publishes the runs of recordings, one at a time.

    should_stop: asked between frames; True abandons the run where it is.
    """

    def __init__(
        self, engine: Engine, bus: Bus, limits: StreamLimits, should_stop: Callable[[], bool]
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._limits = limits
        self._should_stop = should_stop

    def publish(self, run_id: str) -> None:
        """Publish the run until the workers have committed its end, or a stop is asked for.

        Raises SourceError when the recording cannot be read at all.
        """
        run = self._assignment(run_id)
        with FileSource(run.path, fps=run.sampling_fps, max_side=run.max_frame_side) as source:
            base = self._note_started(run, source)
            stream = self._bus.publisher(run.run_id, self._limits, kind="file")
            restarts, reached = 0, 0
            while True:
                cursor = self._cursor(run)
                if cursor is None:
                    # Done, or cancelled with frames still in the broker.
                    self._bus.forget(run.run_id)
                    return
                if self._should_stop():
                    return
                restarts = 0 if cursor.next_seq > reached else restarts + 1
                reached = cursor.next_seq
                if restarts > _MAX_RESTARTS_WITHOUT_PROGRESS:
                    raise BrokerError(
                        f"run {run.run_id} was published {restarts} times and never read",
                        hint="Check that a worker runs, and the broker's memory limit",
                    )
                try:
                    self._publish_from(cursor, run, source, stream, base)
                    if self._should_stop():
                        return
                except StreamLostError as exc:
                    log.warning("publishing again", run=run.run_id, reason=str(exc))

    def _publish_from(
        self,
        cursor: _Cursor,
        run: Assignment,
        source: FrameSource,
        stream: RunPublisher,
        base: datetime,
    ) -> None:
        stream.begin()
        seq = cursor.from_seq - 1
        for seq, frame in self._numbered(source, cursor):
            if seq < cursor.next_seq:
                continue
            message = _message(run.run_id, seq, frame, source.info, base)
            if not self._send(run, stream, seq, message.encode()):
                return
        totals = source.totals
        end = End(run.run_id, seq + 1, totals.frames_total, totals.counters, totals.error)
        if self._send(run, stream, end.seq, end.encode()):
            self._await_end(run, stream)

    def _numbered(self, source: FrameSource, cursor: _Cursor) -> Iterator[tuple[int, SourceFrame]]:
        """The source's frames with their seq; the cursor's key frame has the seq it had."""
        return enumerate(source.frames(cursor.source_cursor), start=cursor.from_seq)

    def _send(self, run: Assignment, stream: RunPublisher, seq: int, data: bytes) -> bool:
        """Wait for room, then publish. False: a stop was asked for, or the run has ended."""
        for turn in itertools.count(1):
            if self._should_stop():
                return False
            if turn % _TURNS_A_LOOK == 0 and self._cursor(run) is None:
                return False
            if stream.has_room(len(data)) and stream.publish(seq, data):
                failpoint("after-publish")
                return True
            time.sleep(_POLL_S)
        raise AssertionError("an endless count ended")

    def _await_end(self, run: Assignment, stream: RunPublisher) -> None:
        """Until the end is committed the frames may be asked for again."""
        while not self._should_stop():
            if stream.is_drained() and self._cursor(run) is None:
                return
            time.sleep(_POLL_S)

    def _assignment(self, run_id: str) -> Assignment:
        with self._engine.connect().execution_options(read_only=True) as connection:
            row = connection.execute(
                select(Run.id, Run.uri, Run.sampling_fps, Run.options, Run.recorded_at).where(
                    Run.run_id == run_id
                )
            ).one()
        options = json.loads(row.options)
        given = options["recorded_at"]
        return Assignment(
            run_pk=row.id,
            run_id=run_id,
            path=Path(row.uri),
            sampling_fps=row.sampling_fps,
            max_frame_side=options["analysis"]["max_frame_side"],
            recorded_at=datetime.fromisoformat(given) if given else None,
            recorded_at_pattern=options["recorded_at_pattern"],
            base=row.recorded_at,
        )

    def _note_started(self, run: Assignment, source: FrameSource) -> datetime:
        """Write what the source says of itself; the base time is settled once per run."""
        info = source.info
        values: dict[str, object] = {
            "state": RunState.RUNNING,
            "display_width": info.display_width,
            "display_height": info.display_height,
            "duration_us": info.duration_us,
            "frames_claimed": info.frames_claimed,
            "started_at": utc_now(),
        }
        at = run.base
        if at is None:
            base = base_time(
                recorded_at=run.recorded_at,
                pattern=run.recorded_at_pattern,
                file_name=run.path.name,
                creation_time=info.creation_time,
                mtime=from_micros(run.path.stat().st_mtime_ns // 1000),
            )
            at = base.at
            values |= {"recorded_at": at, "recorded_at_origin": base.origin}
        with self._engine.begin() as connection:
            connection.execute(
                update(Run)
                .where(Run.id == run.run_pk, Run.state.not_in(ENDED_STATES))
                .values(values)
            )
        return at

    def _cursor(self, run: Assignment) -> _Cursor | None:
        """Where the run stands; None once it has ended."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            row = connection.execute(
                select(Run.state, RunProgress.next_seq, RunProgress.source_cursor)
                .join(RunProgress, RunProgress.run_pk == Run.id)
                .where(Run.id == run.run_pk)
            ).one()
        if row.state in ENDED_STATES:
            return None
        return _Cursor.read(row.next_seq, row.source_cursor)


def _message(
    run_id: str, seq: int, frame: SourceFrame, info: SourceInfo, base: datetime
) -> FrameMessage:
    cursor = json.dumps({"seq": seq, "source": frame.cursor}) if frame.cursor else ""
    captured_at = base + timedelta(microseconds=frame.media_time_us)
    return FrameMessage(
        run_id=run_id,
        seq=seq,
        frame_index=frame.frame_index,
        media_time_us=frame.media_time_us,
        captured_at_us=to_micros(captured_at),
        width=frame.width,
        height=frame.height,
        display_width=info.display_width,
        display_height=info.display_height,
        counters=frame.counters,
        luma=frame.luma,
        cursor=cursor,
    )
