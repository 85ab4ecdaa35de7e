"""LivePublisher: publishes the newest frame of a live source while the stream has room.

Every captured frame is published, or counted by the cause of its loss.
"""

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from contracts.analysis_spec import AnalysisSpec
from contracts.errors import BrokerError, DatabaseError, RunLostError
from contracts.frames import Counters, DropCause
from contracts.live_sources import LiveSource
from ingest.live.newest_frame import LiveFrame
from ingest.live.pacing import dwell_limit_us
from ingest.live.reader import LiveReader
from ingest.live.run_stream import LiveClaim, LiveRunStream
from records.runs.live_runs import start_live_run

log = structlog.get_logger()

_WAIT_S: Final = 0.02
_END_ATTEMPTS: Final = 3
_EVERY_FRAME_FPS: Final = 30.0
_MIN_STREAM_FRAMES: Final = 3
_MAX_STREAM_BYTES: Final = 2**31
_COLOUR_EVERY_S: Final = 0.35
"""Pictures are drawn every 0.4 s at most: colour travels with as many frames."""


class LivePublisher:
    """Publishes the frames of `reader`. A run starts with the first frame, and with each UTC day.

    `step` raises BrokerError and DatabaseError, and can be called again: a frame that was taken is
    published or counted even if a step fails.
    """

    def __init__(  # noqa: PLR0913, PLR0917  (its whole surroundings, once)
        self,
        engine: Engine,
        bus: Bus,
        source: LiveSource,
        spec: AnalysisSpec,
        reader: LiveReader,
        claim: LiveClaim,
        counts_folder: Path,
    ) -> None:
        self._engine = engine
        self._bus = bus
        self._source = source
        self._spec = spec
        self._reader = reader
        self._claim = claim
        self._counts_folder = counts_folder
        self._run_stream: LiveRunStream | None = None
        self._pending: LiveFrame | None = None
        self._waiting_since_s: float | None = None
        self._colour_due_s = 0.0
        self._base = Counters()
        self._dropped = dict.fromkeys((DropCause.NEWEST, DropCause.BROKER_FULL), 0)
        # About one second of frames, so that those in the stream stay recent.
        frames = max(round(source.sampling_fps or _EVERY_FRAME_FPS), _MIN_STREAM_FRAMES)
        self._limits = StreamLimits(frames, _MAX_STREAM_BYTES)

    @property
    def run_id(self) -> str:
        """The open run's id; empty if no run is open."""
        return self._run_stream.run.run_id if self._run_stream else ""

    @property
    def waiting_since_s(self) -> float | None:
        """When the first frame was taken after the last commit that is known; None: none was.

        On the reader's clock.
        """
        return self._waiting_since_s

    def step(self, timeout_s: float) -> None:
        """Publish the next frame. Waits for a frame, or for room, for at most that time."""
        try:
            if self._run_stream is not None and not self._run_stream.has_room():
                self._wait_for_room(self._run_stream, timeout_s)
                return
            self._take(timeout_s)
            if self._pending is not None:
                self._publish(self._stream_for(self._pending), self._pending)
        except RunLostError:
            self._leave_run()  # The next run gets the pending frame.

    def close(self) -> None:
        """End the run with all that was captured. Call it after the reader's `close`.

        Raises nothing. If the broker or the database cannot be reached, the supervisor ends the
        run later.
        """
        self._drop_pending(DropCause.NEWEST)
        totals = self._totals(self._reader.counters())
        for attempt in itertools.count(1):
            try:
                if self._run_stream is None and totals == self._base:
                    return
                self._end_run(totals)
                return
            except RunLostError:
                self._leave_run()  # A new run stores the counts that the lost one lacks.
            except (BrokerError, DatabaseError) as exc:
                log.warning("cannot end the run", run=self.run_id, reason=exc.line())
                if attempt >= _END_ATTEMPTS:
                    if self._run_stream is not None:
                        self._run_stream.abandon()
                    return

    def _wait_for_room(self, stream: LiveRunStream, timeout_s: float) -> None:
        """Wait. Frames do not wait if the broker is full: they count as dropped, broker_full."""
        if not stream.broker_is_full:
            time.sleep(min(_WAIT_S, timeout_s))
            return
        self._take(timeout_s)
        self._drop_pending(DropCause.BROKER_FULL)

    def _take(self, timeout_s: float) -> None:
        """Take the newest frame, which replaces a pending one."""
        newer = self._reader.take(timeout_s if self._pending is None else 0.0)
        if newer is not None:
            self._drop_pending(DropCause.NEWEST)
            self._pending = newer
            if self._waiting_since_s is None:
                self._waiting_since_s = self._reader.clock.now_s()

    def _drop_pending(self, cause: DropCause) -> None:
        self._dropped[cause] += self._pending is not None
        self._pending = None

    def _publish(self, stream: LiveRunStream, frame: LiveFrame) -> None:
        if frame.captured_s < self._colour_due_s:
            frame = replace(frame, chroma=b"")
        try:
            accepted = stream.publish(frame, self._totals(frame.counters))
        except BrokerError:
            self._pending = None  # Its number is used: the worker finds it, or counts it as lost.
            raise
        if accepted is None:
            return
        if accepted:
            self._pending = None
            if frame.chroma:
                self._colour_due_s = frame.captured_s + _COLOUR_EVERY_S
            stream.set_frame_size(frame)
        else:
            self._drop_pending(DropCause.BROKER_FULL)

    def _stream_for(self, frame: LiveFrame) -> LiveRunStream:
        """Return the stream of the frame's run; start a run if none is open for its day.

        The run of the previous day ends with the counters of its last message. Later counts belong
        to the next run.
        """
        day = frame.captured_at.date()
        if self._run_stream is not None and self._run_stream.day != day:
            self._end_run(self._run_stream.last)
        if self._run_stream is None:
            self._start_run(frame)
        assert self._run_stream is not None
        return self._run_stream

    def _start_run(self, frame: LiveFrame | None) -> LiveRunStream:
        run = start_live_run(
            self._engine,
            self._source,
            self._spec,
            claimant=self._claim.claimant,
            lease_s=self._claim.lease_s,
        )
        clock = self._reader.clock
        self._run_stream = LiveRunStream(
            self._engine,
            self._bus,
            run,
            self._limits,
            self._claim,
            self._counts_folder,
            base=self._base,
            day=(frame.captured_at if frame else clock.captured_at()).date(),
            begin_s=frame.captured_s if frame else clock.now_s(),
            dwell_limit_us=dwell_limit_us(self._source.sampling_fps),
            on_commit=self._note_commit,
        )
        log.info("run started", run=run.run_id)
        return self._run_stream

    def _note_commit(self) -> None:
        self._waiting_since_s = None

    def _end_run(self, totals: Counters) -> None:
        stream = self._run_stream or self._start_run(None)
        stream.end(totals)
        self._leave_run()

    def _leave_run(self) -> None:
        assert self._run_stream is not None
        self._base, self._run_stream = self._run_stream.last, None

    def _totals(self, counters: Counters) -> Counters:
        """Return the reader's counters plus the frames that were taken and then dropped."""
        dropped = dict(counters.dropped)
        for cause, count in self._dropped.items():
            if count:
                dropped[str(cause)] = dropped.get(cause, 0) + count
        return Counters(counters.captured, counters.sampled_out, dropped)
