"""One pass over a recording: its counts so far, its clock, and the cursors it hands out."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Final

from av.video.frame import PictureType, VideoFrame

from contracts.frames import Counters, DropCause
from ingest.cursors import Cursor
from ingest.decoding import Decoding, PacketOrigin
from ingest.luma import LumaConverter
from ingest.recording_info import RecordingInfo
from ingest.sampling import is_sampled
from ingest.sources import SourceFrame
from ingest.timestamps import Clock

# Containers whose packets keep their timestamps wherever reading begins. In others (MPEG-TS,
# MPEG-PS, ASF, Ogg) they are partly inferred from what came before, so those start over.
_RESUMABLE: Final = frozenset({"mov", "mp4", "matroska", "webm", "avi"})


class FilePass:
    """The sampled frames of one pass, from the start or from a cursor's key frame."""

    def __init__(
        self,
        decoding: Decoding,
        decoded: Iterator[tuple[VideoFrame, PacketOrigin | None]],
        description: RecordingInfo,
        rate: Fraction | None,
        max_side: int,
    ) -> None:
        self._decoding = decoding
        self._decoded = decoded
        self._description = description
        self._rate = rate
        self._converter = LumaConverter(description.orientation, description.aspect, max_side)
        names = description.info.container.split(",")
        self._resumable = not _RESUMABLE.isdisjoint(names)
        self._clock: Clock | None = None
        self._corrupt_offset = 0
        self._corrupt_shown = 0
        self._cursor = ""
        self.captured = 0
        self.sampled_out = 0

    @property
    def corrupt(self) -> int:
        """Packets that did not decode, over the whole file so far."""
        return self._decoding.corrupt + self._corrupt_offset

    @property
    def read_error(self) -> str:
        return self._decoding.error

    def take_up(self, cursor: Cursor, origin: PacketOrigin) -> None:
        """Stand where the run stood that made `cursor`, whose key frame has this origin."""
        self.captured = cursor.frame_index
        self.sampled_out = cursor.sampled_out
        self._corrupt_offset = cursor.corrupt - origin.corrupt_before
        self._corrupt_shown = cursor.corrupt_shown
        self._clock = replace(
            self._new_clock(cursor.start),
            shift_us=cursor.shift_us,
            last_us=cursor.last_us,
            stamped_us=cursor.last_us or 0,
        )

    def frames(self) -> Iterator[SourceFrame]:
        """Each sampled frame. Those left out are counted and not converted."""
        for frame, origin in self._decoded:
            before = self._clock or self._new_clock(self._decoding.earliest_pts)
            self._note_cursor(frame, origin, before)
            self._clock = before.next(frame.pts if frame.pts is not None else frame.dts)
            media_time_us = self._clock.last_us or 0
            self.captured += 1
            # In the order of packets, not of output: that does not depend on decoder delay.
            corrupt = origin.corrupt_before if origin else self._decoding.corrupt
            self._corrupt_shown = max(self._corrupt_shown, corrupt + self._corrupt_offset)
            if self._rate and not is_sampled(before.last_us, media_time_us, self._rate):
                self.sampled_out += 1
                continue
            yield self._source_frame(frame, media_time_us)

    def counters(self, corrupt: int) -> Counters:
        dropped = {DropCause.CORRUPT.value: corrupt} if corrupt else {}
        return Counters(self.captured, self.sampled_out, dropped)

    def _source_frame(self, frame: VideoFrame, media_time_us: int) -> SourceFrame:
        luma = self._converter.convert(frame)
        cursor, self._cursor = self._cursor, ""
        return SourceFrame(
            frame_index=self.captured - 1,
            media_time_us=media_time_us,
            luma=luma.pixels,
            width=luma.width,
            height=luma.height,
            counters=self.counters(self._corrupt_shown),
            cursor=cursor,
        )

    def _note_cursor(self, frame: VideoFrame, origin: PacketOrigin | None, before: Clock) -> None:
        """Remember a key frame; the next frame that is taken carries it."""
        if not (self._resumable and origin and is_resumable(frame, origin)):
            return
        self._cursor = Cursor(
            frame_index=self.captured,
            pts=frame.pts or 0,
            dts=origin.dts,
            pos=origin.pos,
            start=before.start,
            shift_us=before.shift_us,
            last_us=before.last_us,
            sampled_out=self.sampled_out,
            corrupt=origin.corrupt_before + self._corrupt_offset,
            corrupt_shown=self._corrupt_shown,
        ).encode()

    def _new_clock(self, start: int | None) -> Clock:
        return Clock(self._description.time_base, start or 0, self._description.frame_us)


def is_resumable(frame: VideoFrame, origin: PacketOrigin) -> bool:
    """Whether nothing after this frame needs anything before it.

    All three signs: a container marks recovery points and periodic refresh as key too.
    """
    return (
        origin.is_key
        and frame.key_frame
        and frame.pict_type == PictureType.I
        and frame.pts is not None
    )
