"""FilePublisher: publishes the sampled frames of a recording to its run's stream.

Frames are published in order and without loss. The run's progress in the database says where to
begin, so a first start, a restart after a crash and a rewind after a broker loss are the same.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from broker.publishing import RunPublisher
from contracts.errors import BrokerError, DatabaseError, SourceError, StreamLostError
from contracts.frames import End, FrameMessage
from contracts.runs import RunKind
from contracts.shared_folders import SharedFolders
from contracts.times import to_micros
from ingest.decoding_limits import DEFAULT_LIMITS, DecodingLimits
from ingest.files.content_hash import require_content
from ingest.files.opening import pinned
from ingest.files.run_records import RecordingRun, ResumePoint, RunRecords, encode_cursor
from ingest.files.source import FileSource
from ingest.frame_source import FrameSource, SourceFrame, SourceInfo
from ingest.picture_view import PictureView
from records.runs.copies.copied_rows import copy_original, fail_as_original
from runtime.backoff import LONGEST_PAUSE_S, Backoff
from runtime.failpoints import failpoint

log = structlog.get_logger()

_WAITS_PER_STATE_CHECK: Final = 25
"""Waits for room in the stream after which to check whether the run was cancelled."""
_SHORTEST_WAIT_S: Final = 0.016
_LONGEST_WAIT_S: Final = 0.064
"""A full stream of 128 frames keeps the fastest worker busy four times as long."""
_REWIND_PAUSE_S: Final = 0.5
_WARN_FULL_EVERY_S: Final = 10.0
_BROKER_FULL: Final = "the broker's memory is full. Start workers, or raise its maxmemory"


@dataclass(frozen=True, slots=True)
class PublishStep:
    """One step of publishing: a message of `sent_bytes`, or a wait, because of `trouble`."""

    sent_bytes: int = 0
    trouble: str = ""


class FilePublisher:
    """Publishes the runs of recordings, one at a time.

    should_stop: called between frames; if it returns True, the run is left as it is. on_step:
    called after each message and while waiting. shares_memory: as for RunPublisher.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        engine: Engine,
        bus: Bus,
        limits: StreamLimits,
        folders: SharedFolders,
        should_stop: Callable[[], bool],
        on_step: Callable[[PublishStep], None],
        decoding: DecodingLimits = DEFAULT_LIMITS,
        *,
        shares_memory: bool = False,
    ) -> None:
        self._engine = engine
        self._records = RunRecords(engine, folders)
        self._bus = bus
        self._limits = limits
        self._should_stop = should_stop
        self._on_step = on_step
        self._decoding = decoding
        self._shares_memory = shares_memory
        self._singly = False

    def publish(self, run_id: str, *, singly: bool = False) -> None:
        """Publish the run until the workers have committed its end, or until a stop.

        singly: send each frame before the next one is decoded, which may crash this process.
        Retries while the broker or the database cannot be reached. Raises SourceError if the
        recording cannot be read at all, and MemoryError.
        """
        self._singly = singly
        backoff, failed_at = Backoff(jitter=False), time.monotonic()
        while not self._should_stop():
            try:
                run = self._records.find(run_id)
                with structlog.contextvars.bound_contextvars(run=run_id, source=run.source):
                    self._publish_run(run)
                return
            except (BrokerError, DatabaseError) as exc:
                if time.monotonic() - failed_at > 2 * LONGEST_PAUSE_S:
                    backoff.reset()
                pause_s = backoff.next_pause_s()
                log.warning("publishing waits", run=run_id, reason=exc.line(), retry_in_s=pause_s)
                self._pause(pause_s, exc.line())
                failed_at = time.monotonic()

    def _publish_run(self, run: RecordingRun) -> None:
        with pinned(run.path) as place:
            self._publish_file(run, place)

    def _publish_file(self, run: RecordingRun, place: Path) -> None:
        """Publish a run. place: a path of its recording, which nobody can exchange."""
        self._require_content(run, place)
        if run.is_copy and fail_as_original(self._engine, run.run_pk):
            return
        with FileSource(
            place,
            name=run.path.name,
            fps=run.sampling_fps,
            max_side=run.analysis.max_frame_side,
            limits=self._decoding,
            view=PictureView.of(run.analysis),
            keeps_damaged=not run.drops_damaged,
        ) as source:
            info = source.info
            if not run.was_started:
                info = source.measure(lambda: self._on_step(PublishStep()))
            base_time = self._records.start(run, info)
            if run.is_copy and copy_original(self._engine, run.run_pk, self._goes_on):
                return
            with closing(self._stream(run)) as stream:
                self._publish_until_ended(run, source, stream, base_time)

    def _stream(self, run: RecordingRun) -> RunPublisher:
        return RunPublisher(
            self._bus,
            run.run_id,
            self._limits,
            kind=RunKind.FILE,
            shares_memory=self._shares_memory,
        )

    def _publish_until_ended(
        self, run: RecordingRun, source: FileSource, stream: RunPublisher, base_time: datetime
    ) -> None:
        """Publish from the run's progress, again after each loss, until the run has ended."""
        last_seq, loss = 0, ""
        while not self._should_stop():
            point = self._records.resume_point(run)
            if point is None:
                # The run is done, or was cancelled with frames still in the broker.
                self._bus.forget_run(run.run_id)
                return
            if loss:
                log.warning("publishing again", reason=loss, next_seq=point.next_seq)
                loss = ""
            if point.next_seq <= last_seq:
                self._pause(_REWIND_PAUSE_S, "")  # No progress: give the worker time.
            last_seq = point.next_seq
            try:
                self._publish_from(point, run, source, stream, base_time)
            except StreamLostError as exc:
                # Also when the run is done: the worker deletes the stream after its last frame.
                loss = str(exc)

    def _goes_on(self) -> bool:
        self._on_step(PublishStep())
        return not self._should_stop()

    def _pause(self, seconds: float, trouble: str) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._should_stop():
            self._on_step(PublishStep(trouble=trouble))
            time.sleep(min(0.1, seconds))

    def _publish_from(
        self,
        point: ResumePoint,
        run: RecordingRun,
        source: FileSource,
        stream: RunPublisher,
        base_time: datetime,
    ) -> None:
        stream.begin()
        seq = point.cursor_seq - 1
        for seq, frame in _numbered_frames(source, point):
            if seq < point.next_seq:
                continue
            message = _message(run.run_id, seq, frame, source.info, base_time)
            if not self._send(run, stream, seq, message.encode(), more=not self._singly):
                return
        totals = source.totals
        error = self._change(run, source.path) or totals.error
        end = End(run.run_id, seq + 1, totals.frames_total, totals.counters, error)
        if self._send(run, stream, end.seq, end.encode()):
            self._await_end(run, stream)

    def _require_content(self, run: RecordingRun, place: Path) -> None:
        def note_step() -> None:
            self._on_step(PublishStep())

        require_content(place, run.content, note_step, name=run.path.name)

    def _change(self, run: RecordingRun, place: Path) -> str:
        """Return one line if the file was changed while it was read; the run then disowns it."""
        try:
            self._require_content(run, place)
        except SourceError:
            self._records.disown_content(run)
            return f"{run.path.name} was changed while it was read. Queue it again when it is whole"
        return ""

    def _send(
        self, run: RecordingRun, stream: RunPublisher, seq: int, data: bytes, *, more: bool = False
    ) -> bool:
        """Wait for room, then publish. Return False at a stop, or if the run has ended.

        more: as for `RunPublisher.publish`.
        """
        warn_full_at = time.monotonic() + _WARN_FULL_EVERY_S
        for attempt, pause_s in enumerate(_pauses_s(), start=1):
            if self._should_stop():
                return False
            if attempt % _WAITS_PER_STATE_CHECK == 0 and self._records.resume_point(run) is None:
                return False
            if stream.has_room(len(data)) and stream.publish(seq, data, more=more):
                failpoint("after-publish")
                self._on_step(PublishStep(sent_bytes=len(data)))
                return True
            trouble = _BROKER_FULL if stream.broker_is_full else ""
            if trouble and time.monotonic() >= warn_full_at:
                log.warning("publishing waits", reason=trouble)
                warn_full_at = time.monotonic() + _WARN_FULL_EVERY_S
            self._on_step(PublishStep(trouble=trouble))
            time.sleep(pause_s)
        raise AssertionError("an endless loop ended")

    def _await_end(self, run: RecordingRun, stream: RunPublisher) -> None:
        """Wait until a worker has committed the end; until then frames may have to be resent."""
        for pause_s in _pauses_s():
            if self._should_stop():
                return
            if stream.is_drained() and self._records.resume_point(run) is None:
                return
            self._on_step(PublishStep())
            time.sleep(pause_s)


def _pauses_s() -> Iterator[float]:
    """Yield the pauses between questions to the broker, each of which takes a millisecond of CPU.

    Each is twice as long as the one before, up to the longest.
    """
    pause_s = _SHORTEST_WAIT_S
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, _LONGEST_WAIT_S)


def _numbered_frames(source: FrameSource, point: ResumePoint) -> Iterator[tuple[int, SourceFrame]]:
    """Yield the source's frames with the numbers that they had when first published."""
    return enumerate(source.frames(point.source_cursor), start=point.cursor_seq)


def _message(
    run_id: str, seq: int, frame: SourceFrame, info: SourceInfo, base_time: datetime
) -> FrameMessage:
    captured_at = base_time + timedelta(microseconds=frame.media_time_us)
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
        dwell_us=frame.dwell_us,
        cursor=encode_cursor(seq, frame.cursor),
    )
