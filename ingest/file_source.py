"""Recordings and stills through FFmpeg: every frame, its exact time, upright luma.

Media time is PTS (DTS where a frame has none) minus that of the first frame presented, so an
edit list's trimmed frames are no frames and the first shown one is at 0.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import av.container
import av.video
from av.error import FFmpegError

from contracts.errors import SourceError
from contracts.frames import MAX_SIDE, Counters, DropCause
from ingest.discovery import STILLS
from ingest.luma import upright_luma
from ingest.sampling import is_sampled
from ingest.sources import SourceFrame, SourceInfo, Totals

_PLAY_HINT: Final = "Check that a video player opens it; if it was copied, copy it again"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where decoding stands before a frame. start, pts: in the stream's time base."""

    frame_index: int = 0
    pts: int = 0
    start: int | None = None
    previous_us: int | None = None
    sampled_out: int = 0
    corrupt: int = 0

    def counters(self) -> Counters:
        dropped = {DropCause.CORRUPT.value: self.corrupt} if self.corrupt else {}
        return Counters(self.frame_index, self.sampled_out, dropped)


class FileSource:
    """One recording; a context manager. Raises SourceError when there is nothing to read.

    fps: None for every frame. max_side: luma is scaled down to it, never up.
    """

    def __init__(self, path: Path, *, fps: float | None, max_side: int) -> None:
        self._path = path
        self._fps = fps
        self._max_side = max_side
        self._totals: Totals | None = None
        self._corrupt = 0
        self._container = self._open()
        try:
            self._stream = self._video_stream()
            self._info = self._read_info()
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.close()

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def totals(self) -> Totals:
        """What the whole file came to; known once `frames` is exhausted."""
        if self._totals is None:
            raise ValueError("the file was not read to its end")
        return self._totals

    def frames(self, cursor: str = "") -> Iterator[SourceFrame]:
        """The sampled frames, from the start or from a cursor's key frame.

        A cursor that does not lead to the very frame it came from means reading from the
        start; the frames before it are then yielded nowhere but counted alike.
        """
        self._reopen()
        place, skip_before = _Place(), 0
        decoded = self._decode()
        if cursor:
            resumed = _Place(**json.loads(cursor))
            sought = self._seek(resumed)
            if sought is None:
                skip_before = resumed.frame_index
                decoded = self._decode()
            else:
                place, decoded = resumed, sought
        yield from self._sample(decoded, place, skip_before)

    def _sample(
        self, decoded: Iterator[av.VideoFrame], place: _Place, skip_before: int
    ) -> Iterator[SourceFrame]:
        pending_cursor = ""
        for frame in decoded:
            pts = _time_stamp(frame, place, self._stream)
            start = pts if place.start is None else place.start
            place = replace(place, pts=pts, start=start, corrupt=self._corrupt)
            media_time_us = self._micros(pts - start)
            if frame.key_frame and place.corrupt == 0:
                # Past damage a count would be taken up in the middle: no more cursors then.
                pending_cursor = json.dumps(asdict(place))
            taken = is_sampled(media_time_us, place.previous_us, self._fps)
            index = place.frame_index
            place = replace(
                place,
                frame_index=index + 1,
                previous_us=media_time_us,
                sampled_out=place.sampled_out + (not taken),
            )
            if not taken or index < skip_before:
                continue
            luma, width, height = upright_luma(frame, self._stream, self._max_side)
            yield SourceFrame(
                index, media_time_us, luma, width, height, place.counters(), pending_cursor
            )
            pending_cursor = ""
        self._conclude(replace(place, corrupt=self._corrupt))

    def _conclude(self, place: _Place) -> None:
        if place.frame_index == 0:
            raise SourceError(f"{self._path.name}: no frame could be decoded", hint=_PLAY_HINT)
        error = self._cut_short(place)
        self._totals = Totals(place.frame_index, place.counters(), error)

    def _cut_short(self, place: _Place) -> str:
        """A line when the container lists frames beyond the end of the file, else ""."""
        size = self._path.stat().st_size
        entries = list(self._stream.index_entries)
        missing = sum(1 for entry in entries if entry.pos + entry.size > size)
        if missing == 0 or self._container.format.name.startswith("matroska"):
            return self._demux_error
        return (
            f"{self._path.name} ends early: {place.frame_index} of {len(entries)} frames are "
            "in it. What is there was analysed; copy the file again for the rest"
        )

    def _decode(self) -> Iterator[av.VideoFrame]:
        """All frames in presentation order; what does not decode is counted and skipped."""
        self._corrupt, self._demux_error = 0, ""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except FFmpegError as exc:
                self._demux_error = (
                    f"{self._path.name} cannot be read to its end ({exc.strerror}). "
                    "What came before was analysed; copy the file again for the rest"
                )
                packet = av.Packet()
                packet.stream = self._stream
                yield from self._stream.codec_context.decode(None)
                return
            if packet.is_discard:
                self._stream.codec_context.skip_frame = "DEFAULT"
            try:
                decoded = packet.decode()
            except FFmpegError:
                self._corrupt += 1
                continue
            for frame in decoded:
                if isinstance(frame, av.VideoFrame):
                    yield frame

    def _seek(self, place: _Place) -> Iterator[av.VideoFrame] | None:
        """The frames from the place's key frame on; None when it is not found as it was."""
        try:
            self._container.seek(place.pts, stream=self._stream, backward=True)
        except FFmpegError:
            self._reopen()
            return None
        decoded = self._decode()
        for frame in decoded:
            # Leading frames of an open group refer to what was not decoded; none is wanted.
            if frame.pts is not None and frame.pts < place.pts:
                continue
            if frame.pts == place.pts and frame.key_frame:
                return _chain(frame, decoded)
            break
        self._reopen()
        return None

    def _micros(self, ticks: int) -> int:
        base = self._stream.time_base or Fraction(1, 1_000_000)
        return round(ticks * base * 1_000_000)

    def _open(self) -> av.container.InputContainer:
        name = self._path.name
        try:
            if self._path.stat().st_size == 0:
                raise SourceError(f"{name} is empty (0 bytes)", hint=_PLAY_HINT)
            # A percent sign in a still's name is no pattern of a sequence; and a recording
            # reads no other address than its own.
            options = {"protocol_whitelist": "file"}
            if self._path.suffix.lower() in STILLS:
                options["pattern_type"] = "none"
            return av.open(str(self._path), options=options)
        except FFmpegError as exc:
            raise SourceError(
                f"{name} is not a recording that can be read ({exc.strerror})", hint=_PLAY_HINT
            ) from exc
        except OSError as exc:
            raise SourceError(
                f"cannot read {name}: {exc.strerror}",
                hint="Check the path and its permissions",
            ) from exc

    def _reopen(self) -> None:
        self._container.close()
        self._container = self._open()
        self._stream = self._video_stream()

    def _video_stream(self) -> av.video.VideoStream:
        streams = [s for s in self._container.streams.video if not s.disposition & _COVER]
        if not streams:
            raise SourceError(
                f"{self._path.name} has no pictures, only sound or data",
                hint="Give a file with a video track",
            )
        # One thread: the same frames in the same order from damaged files too, and less memory.
        streams[0].codec_context.thread_count = 1
        return streams[0]

    def _read_info(self) -> SourceInfo:
        stream = self._stream
        try:
            first = next(iter(self._decode()), None)
        except FFmpegError:
            first = None
        if first is None:
            raise SourceError(f"{self._path.name}: no frame could be decoded", hint=_PLAY_HINT)
        _, width, height = upright_luma(first, stream, MAX_SIDE)
        duration_us = None
        if stream.duration and stream.time_base:
            duration_us = self._micros(stream.duration)
        elif self._container.duration:
            duration_us = self._container.duration
        return SourceInfo(
            display_width=width,
            display_height=height,
            duration_us=duration_us,
            frames_claimed=stream.frames or None,
            creation_time=_creation_time(self._container, stream),
        )


_COVER: Final = av.stream.Disposition.attached_pic


def _time_stamp(frame: av.VideoFrame, place: _Place, stream: av.video.VideoStream) -> int:
    """PTS, else DTS, else one average frame after the one before."""
    for ticks in (frame.pts, frame.dts):
        if ticks is not None:
            return ticks
    if place.start is None:
        return 0
    rate = stream.average_rate or Fraction(25)
    return place.pts + round(1 / (rate * (stream.time_base or Fraction(1, 1_000_000))))


def _chain(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest


def _creation_time(
    container: av.container.InputContainer, stream: av.video.VideoStream
) -> datetime | None:
    text = container.metadata.get("creation_time") or stream.metadata.get("creation_time")
    try:
        made = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if made is None:
        return None
    return made if made.tzinfo else made.replace(tzinfo=UTC)
