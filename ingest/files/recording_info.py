"""What a recording's header and first picture say about all of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final, cast

from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ingest.files.opening import OpenRecording
from ingest.frame_source import SourceInfo
from ingest.luma import display_size, plausible_aspect
from ingest.orientation import Orientation
from ingest.timestamps import nearest

_MICROS: Final = 1_000_000
_FALLBACK_RATE: Final = Fraction(25)
_MAX_RATE: Final = 1000
# Containers whose packets keep their timestamps wherever reading begins. In others (MPEG-TS,
# MPEG-PS, ASF, Ogg) they are partly inferred from what came before, so those start over.
_RESUMABLE: Final = frozenset({"mov", "mp4", "matroska", "webm", "avi"})


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """A file's description and what is needed to time and turn its frames.

    time_base: seconds a tick. frame_us: nominal duration of a frame, microseconds.
    is_resumable: whether a decode can be taken up in the middle, exactly. seeks_by_dts:
    whether the container's index holds decoding times; otherwise FFmpeg infers those.
    """

    info: SourceInfo
    orientation: Orientation
    aspect: Fraction
    time_base: Fraction
    frame_us: Fraction
    is_timed_by_dts: bool
    is_resumable: bool
    seeks_by_dts: bool


def describe(opened: OpenRecording, first: VideoFrame) -> RecordingInfo:
    """The description of a recording whose first decoded frame is `first`.

    Its size, orientation and sample aspect hold for the whole file; frames of another size
    later on are scaled to their own, and boxes to this one.
    """
    stream = opened.stream
    orientation = _orientation(first)
    aspect = plausible_aspect(stream.sample_aspect_ratio)
    width, height = display_size(first.width, first.height, aspect, orientation)
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    usable_rate = rate if rate and 0 < rate <= _MAX_RATE else None
    duration_us = _duration_us(opened)
    info = SourceInfo(
        display_width=width,
        display_height=height,
        duration_us=duration_us,
        frames_claimed=_frames_claimed(stream, duration_us, usable_rate),
        creation_time=_creation_time(opened),
        container=opened.container.format.name,
        codec=stream.codec_context.name,
        rotation=orientation.rotation,
    )
    frame_us = _MICROS / (usable_rate or _FALLBACK_RATE)
    return RecordingInfo(
        info=info,
        orientation=orientation,
        aspect=aspect,
        time_base=stream.time_base or Fraction(1, 1000),
        frame_us=frame_us,
        is_timed_by_dts=opened.is_timed_by_dts,
        is_resumable=_is_resumable(opened),
        seeks_by_dts="matroska" not in info.container,
    )


def _orientation(frame: VideoFrame) -> Orientation:
    """Of a video's display matrix, or of a photo's EXIF data, which arrives the same way."""
    try:
        side_data = cast(SideDataContainer, frame.side_data)
    except ValueError:  # PyAV 18 knows no EXIF side data, and then gives none; mirroring is lost.
        return Orientation.from_rotation(frame.rotation)
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
        # An MP4 counts what its edit list trims too; its index tells which those are.
        trimmed = sum(entry.is_discard for entry in stream.index_entries)
        return stream.frames - trimmed
    if duration_us and rate:
        return max(1, nearest(duration_us * rate / _MICROS))
    return None


def _is_resumable(opened: OpenRecording) -> bool:
    if _RESUMABLE.isdisjoint(opened.container.format.name.split(",")):
        return False
    # Without presentation times, what is lost among reordered frames shows only later.
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
