"""LiveReader: reads a live source in a thread, reconnects, and keeps only the newest frame."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import structlog

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.frames import Counters
from contracts.live_sources import LiveState
from contracts.redaction import redact
from ingest.conversion import Conversion
from ingest.live.clock import LiveClock
from ingest.live.conditions import SourceCondition
from ingest.live.freshness import MediaFreshness
from ingest.live.inputs import InputFrame, LiveInput
from ingest.live.newest_frame import LiveFrame, NewestFrame
from ingest.live.opening import open_live
from ingest.live.pacing import LiveSampling, Playback
from ingest.live.reconnecting import ReconnectPauses
from ingest.live.uris import check_uri, describe, is_camera, is_local
from ingest.picture_view import DEFAULT_VIEW, PictureView
from runtime.backoff import REFUSED_PAUSE_S
from runtime.decoding.memory_limit import out_of_memory

log = structlog.get_logger()

STALL_S: Final = 5.0
"""Seconds without a frame after which a connected source is stalled."""


class LiveReader:
    """Reads `uri` until it is closed. A context manager. Raises SourceError for an invalid URI.

    fps: most frames a second to offer; the others are sampled out. None: every frame. max_side:
    longest side of the luma, pixels. view: how pictures are read. retry_missing: keep trying to
    open a camera or a file of this host that never was there. looped: play a file again when it
    ends. opener: opens the source.
    refused_pause_s: pause after the source refused the credentials. ended: whether no more frames
    will come, because a file is over or a local source does not exist.
    """

    def __init__(  # noqa: PLR0913  (all by name)
        self,
        uri: str,
        *,
        fps: float | None,
        max_side: int,
        view: PictureView = DEFAULT_VIEW,
        retry_missing: bool = False,
        looped: bool = False,
        clock: LiveClock | None = None,
        opener: Callable[[str], LiveInput] = open_live,
        refused_pause_s: float = REFUSED_PAUSE_S,
    ) -> None:
        check_uri(uri)
        self._uri = uri
        self._fps = fps
        self._max_side = max_side
        self._view = view
        self._retry_missing = retry_missing
        self._looped = looped
        self._clock = clock or LiveClock()
        self._opener = opener
        self._refused_pause_s = refused_pause_s
        self._opening_since_s: float | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._newest = NewestFrame()
        self._last_frame_s: float | None = None
        self._freshness = MediaFreshness()
        self._heard_s = self._clock.now_s()
        self._condition = SourceCondition(LiveState.CONNECTING, self._clock.now_s())
        self.ended = False
        self._fatal_error = ""
        self._thread = threading.Thread(target=self._run, name=describe(uri), daemon=True)

    def start(self) -> None:
        """Start the reading thread."""
        self._thread.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self, wait_s: float = STALL_S) -> None:
        """Stop reading. A frame that was not taken counts as dropped; then the counts are final."""
        self._stop.set()
        self._thread.join(wait_s)  # A thread that hangs in FFmpeg ends with the process.
        self._newest.close()

    @property
    def clock(self) -> LiveClock:
        """The clock of the frames' times."""
        return self._clock

    @property
    def last_frame_s(self) -> float | None:
        """Time of the last frame, in seconds of the monotonic clock; None before the first."""
        with self._lock:
            return self._last_frame_s

    @property
    def hung_s(self) -> float:
        """Seconds for which an attempt to open, or a wait for a frame, has lasted; 0 if neither."""
        since_s, condition = self._opening_since_s, self.condition
        if since_s is None and condition.state is LiveState.STALLED:
            # A frozen source is heard, but sends nothing new.
            since_s = max(condition.since_s, self._heard_s)
        return 0.0 if since_s is None else self._clock.now_s() - since_s

    @property
    def condition(self) -> SourceCondition:
        """The state now. `stalled` comes from the last frame's age, so a hung read shows too."""
        with self._lock:
            condition, last_s = self._condition, self._last_frame_s
        if condition.state is LiveState.STREAMING and last_s is not None:
            stalled_s = last_s + STALL_S
            if self._clock.now_s() > stalled_s:
                reason = f"no frame for {STALL_S:.0f} s"
                return SourceCondition(LiveState.STALLED, stalled_s, reason)
        return condition

    def counters(self) -> Counters:
        """Return the counts of captured, sampled out and dropped frames so far."""
        return self._newest.counters()

    def take(self, timeout_s: float) -> LiveFrame | None:
        """Return the newest frame that was not taken yet; None if there is none in that time.

        Raises SourceError if the reading thread ended with an unexpected error.
        """
        if self._fatal_error:
            raise SourceError(self._fatal_error)
        return self._newest.take(timeout_s)

    def _run(self) -> None:
        try:
            self._read_until_stopped()
        except Exception as exc:  # Any error of FFmpeg or OpenCV: `take` reports it.
            log.exception("reading failed", uri=describe(self._uri))
            self._fatal_error = f"reading {describe(self._uri)} failed: {redact(repr(exc))}"
            self._enter(LiveState.FAILED, self._fatal_error)

    def _read_until_stopped(self) -> None:
        pauses = ReconnectPauses(self._clock.now_s)
        while not self._stop.is_set():
            try:
                live = self._open()
            except CredentialsRefusedError as exc:
                self._enter(LiveState.FAILED, exc.line(), exc.detail)
                self._stop.wait(self._refused_pause_s)
                continue
            except SourceError as exc:
                self._freshness.reason = ""
                if self._never_existed():
                    self._enter(LiveState.FAILED, exc.line(), exc.detail)
                    self.ended = True
                    return
                self._back_off(pauses.next_s(exc), exc.line(), exc.detail)
                continue
            cause: SourceError | None = None
            reason = f"{describe(self._uri)} ended the stream"
            try:
                count = self._read(live, pauses)
            except (SourceError, MemoryError) as exc:
                cause = exc if isinstance(exc, SourceError) else out_of_memory()
                reason = cause.line()
            else:
                if count and is_local(self._uri) and not is_camera(self._uri):
                    if self._looped:
                        continue
                    self.ended = True
                    return
            finally:
                live.close()
            if not self._stop.is_set():
                self._back_off(pauses.next_s(cause), reason, cause.detail if cause else "")

    def _open(self) -> LiveInput:
        self._opening_since_s = self._clock.now_s()
        try:
            return self._opener(self._uri)
        except MemoryError as exc:
            raise out_of_memory() from exc
        finally:
            self._opening_since_s = None

    def _never_existed(self) -> bool:
        """Whether to report a missing local source at once, instead of waiting for it."""
        return (
            is_local(self._uri) and not self._retry_missing and not self._newest.counters().captured
        )

    def _read(self, live: LiveInput, pauses: ReconnectPauses) -> int:
        """Read until the connection ends; return the number of its frames."""
        playback, sampling = Playback(), LiveSampling(self._fps)
        conversion: Conversion | None = None
        count = corrupt = 0
        self._freshness.begin_connection()
        try:
            for frame in live.frames():
                if self._stop.is_set():
                    break
                if not self._is_new(frame):
                    corrupt = live.corrupt
                    continue
                self._newest.note_corrupt(live.corrupt - corrupt)
                corrupt = live.corrupt
                if frame.media_s is not None:
                    self._stop.wait(playback.wait_s(frame.media_s, self._clock.now_s()))
                now_s = self._clock.now_s()
                count += 1
                if count == 1:
                    pauses.note_frame()
                if count == 1 or self._condition.state is not LiveState.STREAMING:
                    self._enter(LiveState.STREAMING)
                self._note_frame(now_s)
                if not sampling.is_sampled(now_s):
                    self._newest.note_sampled_out()
                    continue
                if conversion is None or not conversion.fits(frame.image):
                    conversion = Conversion.of(frame.image, live.aspect, self._max_side, self._view)
                self._offer(frame, conversion, now_s)
        finally:
            self._newest.note_corrupt(live.corrupt - corrupt)
        return count

    def _is_new(self, frame: InputFrame) -> bool:
        """Return whether the source goes on with this frame. If not, it is frozen, and stalled."""
        self._heard_s = self._clock.now_s()
        if frame.mark is None or self._freshness.is_new(frame.mark, self._heard_s):
            return True
        self._enter(LiveState.STALLED, self._freshness.reason)
        return False

    def _note_frame(self, now_s: float) -> None:
        with self._lock:
            last_s, self._last_frame_s = self._last_frame_s, now_s
            if last_s is None or now_s > last_s + STALL_S:  # A stall is over.
                self._condition = SourceCondition(LiveState.STREAMING, now_s)

    def _offer(self, frame: InputFrame, conversion: Conversion, now_s: float) -> None:
        try:
            luma = conversion.converter.convert(frame.image)
        except SourceError:
            self._newest.note_corrupt(1)
            return
        self._newest.offer(luma, conversion.display_size, self._clock.captured_at(), now_s)

    def _enter(self, state: LiveState, reason: str = "", detail: str = "") -> None:
        with self._lock:
            now_s, previous = self._clock.now_s(), self._condition
            if state is LiveState.STREAMING:
                self._last_frame_s = now_s
            # Repeated failures are one outage, which began with the first of them.
            since_s = previous.since_s if state is previous.state else now_s
            self._condition = SourceCondition(state, since_s, reason, detail)
        if (state, reason, detail) != (previous.state, previous.reason, previous.detail):
            facts = {"detail": detail} if detail else {}
            log.info("source", uri=describe(self._uri), state=str(state), reason=reason, **facts)

    def _back_off(self, pause_s: float, reason: str, detail: str) -> None:
        if self._freshness.reason:  # It was frozen, and still is if it is read again.
            self._enter(LiveState.STALLED, self._freshness.reason)
        else:
            self._enter(LiveState.BACKING_OFF, reason, detail)
        self._stop.wait(pause_s)
