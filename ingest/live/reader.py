"""A live source in a thread: it reconnects for ever, and keeps the newest picture only."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

import structlog

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.frames import Counters, DropCause
from contracts.live_sources import LiveState
from contracts.redaction import redact
from ingest.live.clock import LiveClock
from ingest.live.conditions import Condition
from ingest.live.opening import (
    LiveInput,
    LivePicture,
    check_uri,
    describe,
    is_camera,
    is_local,
    open_live,
)
from ingest.live.pacing import Playback, Sampling
from ingest.luma import LumaConverter, display_size
from ingest.orientation import Orientation
from runtime.backoff import REFUSED_PAUSE_S, Backoff

log = structlog.get_logger()

STALL_S: Final = 5.0
"""A connected source without a picture for that long is stalled."""


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """The newest picture, upright luma. display: its size before it was scaled down."""

    number: int
    luma: bytes
    width: int
    height: int
    display_width: int
    display_height: int
    captured_at: datetime
    captured_s: float
    counters: Counters


class LiveReader:
    """Reads `uri` until it is closed; a context manager.

    A picture that is replaced before it was taken counts as dropped, cause newest. fps: as many
    pictures a second at most are offered; the others are sampled out. patient: also a camera or
    a file of this host that was never there is tried again. looped: a file begins anew at its end.
    opener: what opens it. refused_pause_s: until it is tried again after it refused. ended:
    nothing more will come, because a file is over or because a local source was never there.
    Raises SourceError for a URI that is none.
    """

    def __init__(  # noqa: PLR0913  (all by name)
        self,
        uri: str,
        *,
        fps: float | None,
        max_side: int,
        patient: bool = False,
        looped: bool = False,
        clock: LiveClock | None = None,
        opener: Callable[[str], LiveInput] = open_live,
        refused_pause_s: float = REFUSED_PAUSE_S,
    ) -> None:
        check_uri(uri)
        self._uri = uri
        self._fps = fps
        self._max_side = max_side
        self._patient = patient
        self._looped = looped
        self._clock = clock or LiveClock()
        self._opener = opener
        self._refused_pause_s = refused_pause_s
        self._opening_since_s: float | None = None
        self._lock = threading.Condition()
        self._stop = threading.Event()
        self._newest: LiveFrame | None = None
        self._closed = False
        self._captured = self._sampled_out = self._replaced = self._corrupt = 0
        self._last_picture_s: float | None = None
        self._condition = Condition(LiveState.CONNECTING, self._clock.now_s())
        self.ended = False
        self._died = ""
        self._thread = threading.Thread(target=self._run, name=describe(uri), daemon=True)

    def start(self) -> None:
        """Begin to read."""
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
        """Stop reading; the counters stand still from here. What nobody took counts as dropped."""
        self._stop.set()
        self._thread.join(wait_s)  # One that hangs in FFmpeg ends with the process.
        with self._lock:
            self._closed = True
            self._replaced += self._newest is not None
            self._newest = None

    @property
    def clock(self) -> LiveClock:
        """The clock that its pictures' times are of."""
        return self._clock

    @property
    def last_picture_s(self) -> float | None:
        """When the last picture came, in the clock's seconds; None before the first."""
        with self._lock:
            return self._last_picture_s

    @property
    def hung_s(self) -> float:
        """For how long an attempt to open it goes on, or no picture has come; 0 for neither."""
        since_s, condition = self._opening_since_s, self.condition
        if since_s is None and condition.state is LiveState.STALLED:
            since_s = condition.since_s
        return 0.0 if since_s is None else self._clock.now_s() - since_s

    @property
    def condition(self) -> Condition:
        """What it is doing. Told from the age of the last picture, so a hung read is seen too."""
        with self._lock:
            condition, last_s = self._condition, self._last_picture_s
        if condition.state is LiveState.STREAMING and last_s is not None:
            stalled_s = last_s + STALL_S
            if self._clock.now_s() > stalled_s:
                return Condition(LiveState.STALLED, stalled_s, f"no picture for {STALL_S:.0f} s")
        return condition

    def counters(self) -> Counters:
        """What was captured, sampled out and dropped so far."""
        with self._lock:
            return self._counters()

    def take(self, timeout_s: float) -> LiveFrame | None:
        """The newest picture that was not taken yet; None if none comes within that time.

        Raises SourceError when the reading thread died of what it has no name for.
        """
        if self._died:
            raise SourceError(self._died)
        with self._lock:
            self._lock.wait_for(lambda: self._newest is not None, timeout_s)
            frame, self._newest = self._newest, None
            return frame

    def _run(self) -> None:
        try:
            self._read_on()
        except Exception as exc:
            log.exception("reading died", uri=describe(self._uri))
            self._died = f"reading {describe(self._uri)} died: {redact(repr(exc))}"
            self._enter(LiveState.FAILED, self._died)

    def _read_on(self) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            try:
                live = self._opened()
            except CredentialsRefusedError as exc:
                self._enter(LiveState.FAILED, exc.line())
                self._stop.wait(self._refused_pause_s)
                continue
            except SourceError as exc:
                if is_local(self._uri) and not (self._captured or self._patient):
                    # Not there to begin with: its owner is to be told, not kept waiting.
                    self._enter(LiveState.FAILED, exc.line())
                    self.ended = True
                    return
                self._back_off(backoff, exc.line())
                continue
            try:
                seen = self._read(live, backoff)
            except SourceError as exc:
                reason = exc.line()
            else:
                reason = f"{describe(self._uri)} ended the stream"
                if seen and is_local(self._uri) and not is_camera(self._uri):
                    if self._looped:
                        continue
                    self.ended = True
                    return
            finally:
                live.close()
            if not self._stop.is_set():
                self._back_off(backoff, reason)

    def _opened(self) -> LiveInput:
        self._opening_since_s = self._clock.now_s()
        try:
            return self._opener(self._uri)
        finally:
            self._opening_since_s = None

    def _read(self, live: LiveInput, backoff: Backoff) -> int:
        """Read to the end of the connection. How many pictures came."""
        playback, sampling = Playback(), Sampling(self._fps)
        shaped: _Shaped | None = None
        seen = corrupt = 0
        try:
            for picture in live.pictures():
                if self._stop.is_set():
                    break
                self._note_corrupt(live.corrupt - corrupt)
                corrupt = live.corrupt
                if picture.media_s is not None:
                    self._stop.wait(playback.wait_s(picture.media_s, self._clock.now_s()))
                now_s = self._clock.now_s()
                seen += 1
                if seen == 1:
                    backoff.reset()
                    self._enter(LiveState.STREAMING)
                sampled = sampling.takes(now_s)
                self._note_picture(now_s, sampled=sampled)
                if not sampled:
                    continue
                if shaped is None or not shaped.fits(picture):
                    shaped = _Shaped.of(picture, live.aspect, self._max_side)
                self._offer(picture, shaped, now_s)
        finally:
            self._note_corrupt(live.corrupt - corrupt)
        return seen

    def _note_corrupt(self, packets: int) -> None:
        """What did not decode was captured, and lost."""
        with self._lock:
            if not self._closed:
                self._captured += packets
                self._corrupt += packets

    def _note_picture(self, now_s: float, *, sampled: bool) -> None:
        with self._lock:
            if self._closed:
                return
            last_s, self._last_picture_s = self._last_picture_s, now_s
            if last_s is None or now_s > last_s + STALL_S:  # A stall is over.
                self._condition = Condition(LiveState.STREAMING, now_s)
            if not sampled:
                self._captured += 1
                self._sampled_out += 1

    def _offer(self, picture: LivePicture, shaped: "_Shaped", now_s: float) -> None:
        try:
            luma = shaped.converter.convert(picture.frame)
        except SourceError:
            self._note_corrupt(1)
            return
        with self._lock:
            if self._closed:
                return
            self._captured += 1
            self._replaced += self._newest is not None
            self._newest = LiveFrame(
                number=self._captured,
                luma=luma.pixels,
                width=luma.width,
                height=luma.height,
                display_width=shaped.display[0],
                display_height=shaped.display[1],
                captured_at=self._clock.captured_at(),
                captured_s=now_s,
                counters=self._counters(),
            )
            self._lock.notify()

    def _counters(self) -> Counters:
        dropped = {DropCause.NEWEST: self._replaced, DropCause.CORRUPT: self._corrupt}
        return Counters(
            self._captured,
            self._sampled_out,
            {str(cause): count for cause, count in dropped.items() if count},
        )

    def _enter(self, state: LiveState, reason: str = "") -> None:
        with self._lock:
            now_s, before = self._clock.now_s(), self._condition
            if state is LiveState.STREAMING:
                self._last_picture_s = now_s
            # While it is tried in vain, it is away since the first time.
            since_s = before.since_s if state is before.state else now_s
            self._condition = Condition(state, since_s, reason)
        if (state, reason) != (before.state, before.reason):
            log.info("source", uri=describe(self._uri), state=str(state), reason=reason)

    def _back_off(self, backoff: Backoff, reason: str) -> None:
        self._enter(LiveState.BACKING_OFF, reason)
        self._stop.wait(backoff.next_pause_s())


@dataclass(frozen=True, slots=True)
class _Shaped:
    """How pictures of one size and rotation are converted; cameras change both while they run."""

    size: tuple[int, int]
    rotation: int
    display: tuple[int, int]
    converter: LumaConverter

    @classmethod
    def of(cls, picture: LivePicture, aspect: Fraction, max_side: int) -> "_Shaped":
        frame = picture.frame
        orientation = Orientation.from_rotation(frame.rotation)
        return cls(
            (frame.width, frame.height),
            frame.rotation,
            display_size(frame.width, frame.height, aspect, orientation),
            LumaConverter(orientation, aspect, max_side),
        )

    def fits(self, picture: LivePicture) -> bool:
        frame = picture.frame
        return (frame.width, frame.height, frame.rotation) == (*self.size, self.rotation)
