"""RecordingInfo: the description of a recording, from its header and first frame."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final, Self, cast

import av
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from contracts.errors import SourceError
from ingest.decoding_limits import DecodingLimits
from ingest.files.formats.exif_orientation import orientation_of_photo
from ingest.files.formats.exif_time import time_of_heif, time_of_tags
from ingest.files.opening import OpenRecording
from ingest.frame_source import SourceInfo
from ingest.luma import display_size, plausible_aspect
from ingest.orientation import Orientation
from ingest.picture_view import PictureView
from ingest.timestamps import MAX_STEP_BACK_US, MediaClock, nearest, without_strays

_MICROS: Final = 1_000_000
_FALLBACK_RATE: Final = Fraction(25)
_BT709: Final = 1
_BT601: Final = 6
_NO_MATRIX: Final = frozenset({0, 2, 3})
_LARGEST_BT601: Final = 576
"""Without a tag, players take larger pictures for HD."""
_MAX_RATE: Final = 1000
_MOST_PACES: Final = 8
_PACKETS_A_STEP: Final = 1000
# Containers in which timestamps do not depend on where reading begins. In others (MPEG-TS,
# MPEG-PS, ASF, Ogg) they are partly inferred from earlier packets: reading starts over.
_RESUMABLE: Final = frozenset({"mov", "mp4", "matroska", "webm", "avi"})
# Of transport and program streams FFmpeg estimates the end, from the last timestamps.
_WITHOUT_HEADER: Final = frozenset({"mpegts", "mpeg"})
_MPEG_WRAP: Final = 2**33
"""Ticks after which the timestamps of transport streams begin at 0 again: 26.5 hours."""
# Their index has the length of each frame. Others only claim a length, or have none.
_WITH_LENGTHS: Final = "mp4"


@dataclass(frozen=True, slots=True)
class ColourTags:
    """The meaning of Y, Cb and Cr, in FFmpeg's numbers. Converting to full range keeps it."""

    colorspace: int
    primaries: int
    transfer: int

    @classmethod
    def of(cls, frame: VideoFrame) -> Self:
        """Return the frame's tags; without one for the matrix, the one that players assume."""
        tags = int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc)
        if frame.format.is_rgb:
            return cls(_BT601, *tags[1:])
        if tags[0] in _NO_MATRIX:
            return cls(_BT709 if frame.height > _LARGEST_BT601 else _BT601, *tags[1:])
        return cls(*tags)


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """The description of a recording, and the values needed to time and turn its frames.

    start_s: presentation time of the first frame. time_base: seconds per tick. frame_us: nominal
    duration of a frame, microseconds. pace_us: usual distance of frames, which long gaps do not
    change. is_timed_by_dts: as in OpenRecording. is_resumable: whether reading from a cursor yields
    exactly the same frames. seeks_by_dts: whether the container's index has decoding times.
    """

    info: SourceInfo
    orientation: Orientation
    aspect: Fraction
    start_s: Fraction
    colours: ColourTags
    time_base: Fraction
    frame_us: Fraction
    pace_us: Fraction
    is_timed_by_dts: bool
    is_resumable: bool
    seeks_by_dts: bool

    def clock(self, start: int | None) -> MediaClock:
        """Return the clock of the frames. start: as of `MediaClock`."""
        wrap = _MPEG_WRAP if self.info.container == "mpegts" else 0
        return MediaClock(self.time_base, start or 0, self.frame_us, wrap)

    @property
    def longest_step(self) -> int:
        """The most ticks between frames, unless there is a gap or a stray timestamp."""
        longest_us = max(Fraction(MAX_STEP_BACK_US), _MOST_PACES * self.pace_us)
        return nearest(longest_us / _MICROS / self.time_base)

    @property
    def header_end_us(self) -> int:
        """The media time at which the recording ends by its header; 0 if none says so."""
        has_header = self.info.container not in _WITHOUT_HEADER
        return (self.info.duration_us or 0) if has_header else 0


def describe(opened: OpenRecording, first: VideoFrame, view: PictureView) -> RecordingInfo:
    """Return the description of a recording whose first decoded frame is `first`.

    The size, orientation and sample aspect of `first` apply to the whole file. If later frames
    have another size, boxes are still in pixels of this one.
    """
    stream = opened.stream
    orientation = view.orientation(_orientation(opened.path, first))
    aspect = plausible_aspect(stream.sample_aspect_ratio)
    width, height = display_size(first.width, first.height, aspect, orientation)
    usable_rate = _rate(stream, is_timed=first.pts is not None or first.dts is not None)
    duration_us = _duration_us(opened)
    info = SourceInfo(
        display_width=width,
        display_height=height,
        duration_us=duration_us,
        frames_claimed=_frames_claimed(stream, duration_us, usable_rate),
        creation_time=_creation_time(opened) or _time_of_photo(opened, first),
        creation_is_end=_is_written_at_end(opened),
        container=opened.container.format.name,
        codec=stream.codec_context.name,
        rotation=orientation.rotation,
    )
    frame_us = _MICROS / (usable_rate or _FALLBACK_RATE)
    return RecordingInfo(
        info=info,
        orientation=orientation,
        aspect=aspect,
        start_s=_start_s(opened, first),
        colours=ColourTags.of(first),
        time_base=stream.time_base or Fraction(1, 1000),
        frame_us=frame_us,
        pace_us=_pace_us(stream) or frame_us,
        is_timed_by_dts=opened.is_timed_by_dts,
        is_resumable=_is_resumable(opened),
        seeks_by_dts="matroska" not in info.container,
    )


def measured(
    description: RecordingInfo,
    opened: OpenRecording,
    limits: DecodingLimits,
    on_step: Callable[[], object],
) -> SourceInfo:
    """Return the description with the length and the number of packets, without decoding them.

    Only the index of MP4 and MOV has them. Other containers claim a length that need not be true,
    or none. A picture has none. opened: at its start. on_step: called now and then.
    """
    info = description.info
    if _WITH_LENGTHS in info.container.split(","):
        return info
    clock: MediaClock | None = None
    count = 0
    stamps = without_strays(_packet_stamps(opened, limits), description.longest_step)
    for count, (_, stamp) in enumerate(stamps, start=1):
        clock = (clock or description.clock(stamp)).next(stamp)
        if count % _PACKETS_A_STEP == 0:
            on_step()
    if clock is None or count == 1:
        return info
    length_us = (clock.last_us or 0) + nearest(description.pace_us)
    return replace(info, duration_us=length_us, frames_claimed=count)


def _packet_stamps(
    opened: OpenRecording, limits: DecodingLimits
) -> Iterator[tuple[None, int | None]]:
    """Yield the decoding time of each packet that can be read, in ticks."""
    try:
        while True:
            for packet in opened.container.demux(opened.stream):
                if packet.size:
                    yield None, packet.pts if packet.dts is None else packet.dts
            if not opened.advance(limits):
                return
    except MemoryError:
        raise
    except (av.FFmpegError, OSError, SourceError):
        return  # The recording is read as far.


def _start_s(opened: OpenRecording, first: VideoFrame) -> Fraction:
    ticks = first.dts if opened.is_timed_by_dts else first.pts
    return (ticks or 0) * (opened.stream.time_base or Fraction(0))


def _rate(stream: VideoStream, *, is_timed: bool) -> Fraction | None:
    """Return the frames a second; None if unknown. is_timed: whether frames have timestamps."""
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    if not is_timed:  # FFmpeg assumes 25 frames/s for raw streams, whatever their headers say.
        rate = stream.guessed_rate or rate
    return rate if rate and 0 < rate <= _MAX_RATE else None


def _pace_us(stream: VideoStream) -> Fraction | None:
    rate = stream.guessed_rate
    return _MICROS / rate if rate and 0 < rate <= _MAX_RATE else None


def _orientation(path: Path, frame: VideoFrame) -> Orientation:
    """Return the orientation in a video's display matrix, or in a photo's EXIF."""
    try:
        side_data = cast(SideDataContainer, frame.side_data)
    except ValueError:  # PyAV 18 cannot read EXIF side data.
        return orientation_of_photo(path) or Orientation.from_rotation(frame.rotation)
    for data in side_data:
        if data.type == SideDataType.DISPLAYMATRIX:
            return Orientation.from_display_matrix(bytes(data))
    return Orientation()


def _duration_us(opened: OpenRecording) -> int | None:
    stream = opened.stream
    if stream.duration and stream.time_base:
        return nearest(stream.duration * stream.time_base * _MICROS)
    return opened.container.duration or None


def _frames_claimed(
    stream: VideoStream, duration_us: int | None, rate: Fraction | None
) -> int | None:
    if stream.frames:
        # The count of an MP4 includes frames that its edit list trims; the index marks them.
        trimmed = sum(entry.is_discard for entry in stream.index_entries)
        return stream.frames - trimmed
    if duration_us and rate:
        return max(1, nearest(duration_us * rate / _MICROS))
    return None


def _is_resumable(opened: OpenRecording) -> bool:
    if _RESUMABLE.isdisjoint(opened.container.format.name.split(",")):
        return False
    # Without presentation times, a loss among reordered frames is known only later.
    return not (opened.is_timed_by_dts and opened.stream.codec_context.has_b_frames)


def _creation_time(opened: OpenRecording) -> datetime | None:
    text = opened.container.metadata.get("creation_time") or opened.stream.metadata.get(
        "creation_time"
    )
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _time_of_photo(opened: OpenRecording, first: VideoFrame) -> datetime | None:
    moment = time_of_tags(first.metadata) or time_of_heif(opened.path)
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _is_written_at_end(opened: OpenRecording) -> bool:
    """Return whether the writer's creation_time is the end: Android writes it when it stops."""
    return any(name.startswith("com.android.") for name in opened.container.metadata)
