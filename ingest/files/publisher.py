"""Publish one recording: every sampled frame onto its run's stream, in order, without loss.

SQL's cursor says where to begin, so a first start, a restart after a kill and a rewind after
a broker loss are one and the same thing.
"""

import itertools
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine, select, update

from broker.bus import Bus
from broker.publishing import RunPublisher, StreamLimits
from contracts.errors import BrokerError, DatabaseError, StreamLostError
from contracts.frames import End, FrameMessage
from contracts.runs import ENDED_STATES, RunKind, RunState
from contracts.shared_folders import SharedFolders
from contracts.times import from_micros, to_micros, utc_now
from ingest.files.capture_time import base_time
from ingest.files.source import FileSource
from ingest.frame_source import FrameSource, SourceFrame, SourceInfo
from records.database import reading, transaction
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from runtime.failpoints import failpoint

log = structlog.get_logger()

_TURNS_A_LOOK: Final = 200
"""Turns of waiting for room after which is looked whether the run was cancelled."""
_POLL_S: Final = 0.004
_RETRY_S: Final = 0.5
_LONGEST_RETRY_S: Final = 8.0
_SAY_FULL_AFTER_S: Final = 10.0
_BROKER_FULL: Final = "the broker's memory is full. Start workers, or raise its maxmemory"


@dataclass(frozen=True, slots=True)
class Assignment:
    """A run to publish, as its row says."""

    run_pk: int
    run_id: str
    source: str
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


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of publishing did: sent one message of so many bytes, or waited."""

    sent_bytes: int = 0
    trouble: str = ""


class FilePublisher:
    """Publishes the runs of recordings, one at a time.

    should_stop: asked between frames; True abandons the run where it is. on_turn: called after
    each frame and while waiting.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        engine: Engine,
        bus: Bus,
        limits: StreamLimits,
        folders: SharedFolders,
        should_stop: Callable[[], bool],
        on_turn: Callable[[Turn], None],
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._limits = limits
        self._folders = folders
        self._should_stop = should_stop
        self._on_turn = on_turn

    def publish(self, run_id: str) -> None:
        """Publish the run until the workers have committed its end, or a stop is asked for.

        Outlives broker and database. Raises SourceError when the recording cannot be read at all.
        """
        retry_s, troubled_at = _RETRY_S, -math.inf
        while not self._should_stop():
            try:
                run = self._assignment(run_id)
                with structlog.contextvars.bound_contextvars(run=run_id, source=run.source):
                    self._publish_run(run)
                return
            except (BrokerError, DatabaseError) as exc:
                long_ago = time.monotonic() - troubled_at > 2 * _LONGEST_RETRY_S
                retry_s = _RETRY_S if long_ago else min(2 * retry_s, _LONGEST_RETRY_S)
                log.warning("publishing waits", run=run_id, reason=exc.line(), retry_in_s=retry_s)
                self._pause(retry_s, exc.line())
                troubled_at = time.monotonic()

    def _publish_run(self, run: Assignment) -> None:
        with FileSource(run.path, fps=run.sampling_fps, max_side=run.max_frame_side) as source:
            base = self._note_started(run, source)
            stream = RunPublisher(self._bus, run.run_id, self._limits, kind=RunKind.FILE)
            reached, lost = 0, ""
            while not self._should_stop():
                cursor = self._cursor(run)
                if cursor is None:
                    # Done, or cancelled with frames still in the broker.
                    self._bus.forget(run.run_id)
                    return
                if lost:
                    log.warning("publishing again", reason=lost, next_seq=cursor.next_seq)
                    lost = ""
                if cursor.next_seq <= reached:
                    self._pause(_RETRY_S, "")  # Twice from the same place: let the worker come to.
                reached = cursor.next_seq
                try:
                    self._publish_from(cursor, run, source, stream, base)
                except StreamLostError as exc:
                    lost = str(exc)  # Also at the end: the worker of the last frame drops it.

    def _pause(self, seconds: float, trouble: str) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._should_stop():
            self._on_turn(Turn(trouble=trouble))
            time.sleep(min(0.1, seconds))

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
        say_full_at = time.monotonic() + _SAY_FULL_AFTER_S
        for turn in itertools.count(1):
            if self._should_stop():
                return False
            if turn % _TURNS_A_LOOK == 0 and self._cursor(run) is None:
                return False
            if stream.has_room(len(data)) and stream.publish(seq, data):
                failpoint("after-publish")
                self._on_turn(Turn(sent_bytes=len(data)))
                return True
            full = _BROKER_FULL if stream.broker_is_full else ""
            if full and time.monotonic() >= say_full_at:
                log.warning("publishing waits", reason=full)
                say_full_at = time.monotonic() + _SAY_FULL_AFTER_S
            self._on_turn(Turn(trouble=full))
            time.sleep(_POLL_S)
        raise AssertionError("an endless count ended")

    def _await_end(self, run: Assignment, stream: RunPublisher) -> None:
        """Until the end is committed the frames may be asked for again."""
        while not self._should_stop():
            if stream.is_drained() and self._cursor(run) is None:
                return
            self._on_turn(Turn())
            time.sleep(_POLL_S)

    def _assignment(self, run_id: str) -> Assignment:
        with reading(self._engine) as connection:
            row = connection.execute(
                select(
                    Run.id,
                    Source.name,
                    Run.uri,
                    Run.sampling_fps,
                    Run.options,
                    Run.recorded_at,
                )
                .join(Source, Source.id == Run.source_pk)
                .where(Run.run_id == run_id)
            ).one()
        options = json.loads(row.options)
        given = options["recorded_at"]
        return Assignment(
            run_pk=row.id,
            run_id=run_id,
            source=row.name,
            path=self._folders.local(row.uri),
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
        with transaction(self._engine) as connection:
            connection.execute(
                update(Run)
                .where(Run.id == run.run_pk, Run.state.not_in(ENDED_STATES))
                .values(values)
            )
        return at

    def _cursor(self, run: Assignment) -> _Cursor | None:
        """Where the run stands; None once it has ended."""
        with reading(self._engine) as connection:
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
