"""One pass over a recording: its counts so far, its clock, and the cursors it hands out."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from av.video.frame import PictureType

from contracts.frames import Counters, DropCause
from ingest.files.cursors import Cursor
from ingest.files.decoding import DecodedFrame, Decoding
from ingest.files.recording_info import RecordingInfo
from ingest.frame_source import SourceFrame
from ingest.luma import LumaConverter
from ingest.sampling import is_sampled
from ingest.timestamps import Clock


class FilePass:
    """The sampled frames of one pass, from the start or from a cursor's key frame.

    decoded: the frames of `decoding`, perhaps without the first few. rate: of the sampling,
    None takes every frame. captured, sampled_out: frames so far, from the file's start.
    """

    def __init__(
        self,
        decoding: Decoding,
        decoded: Iterator[DecodedFrame],
        description: RecordingInfo,
        rate: Fraction | None,
        max_side: int,
    ) -> None:
        self._decoding = decoding
        self._decoded = decoded
        self._description = description
        self._rate = rate
        self._converter = LumaConverter(description.orientation, description.aspect, max_side)
        self._clock: Clock | None = None
        self._corrupt_offset = 0
        self._corrupt_at_start = 0
        self._concealed = False
        self._cursor = ""
        self.captured = 0
        self.sampled_out = 0

    @property
    def corrupt(self) -> int:
        """Packets of the whole file, so far, that became no frame."""
        return self._decoding.corrupt + self._corrupt_offset

    @property
    def is_damaged(self) -> bool:
        """Whether a packet was lost or damage concealed since this pass began, as known by now.

        Frames decoded before the damage can be shown after it, never the other way round by
        more than MAX_REORDER frames.
        """
        lost = self._decoding.corrupt > self._corrupt_at_start
        return self._decoding.rejected or self._concealed or lost

    @property
    def read_error(self) -> str:
        return self._decoding.error

    def take_up(self, cursor: Cursor, key: DecodedFrame) -> None:
        """Stand where the pass stood that made `cursor`; `key` is its key frame again."""
        self.captured = cursor.frame_index
        self.sampled_out = cursor.sampled_out
        self._corrupt_offset = cursor.corrupt - key.corrupt
        self._corrupt_at_start = key.corrupt
        self._clock = replace(
            self._new_clock(cursor.start),
            shift_us=cursor.shift_us,
            last_us=cursor.last_us,
            stamped_us=cursor.last_us or 0,
        )

    def frames(self) -> Iterator[SourceFrame]:
        """Each sampled frame. Those left out are counted and not converted."""
        for decoded in self._decoded:
            before = self._clock or self._new_clock(self._start(decoded))
            self._concealed = self._concealed or decoded.frame.is_corrupt
            self._note_cursor(decoded, before)
            self._clock = before.next(decoded.stamp)
            media_time_us = self._clock.last_us or 0
            self.captured += 1
            if self._rate and not is_sampled(before.last_us, media_time_us, self._rate):
                self.sampled_out += 1
                continue
            yield self._source_frame(decoded, media_time_us)

    def counters(self, corrupt: int) -> Counters:
        """The counts so far, with `corrupt` lost packets."""
        dropped = {DropCause.CORRUPT.value: corrupt} if corrupt else {}
        return Counters(self.captured, self.sampled_out, dropped)

    def _source_frame(self, decoded: DecodedFrame, media_time_us: int) -> SourceFrame:
        luma = self._converter.convert(decoded.frame)
        cursor, self._cursor = self._cursor, ""
        return SourceFrame(
            frame_index=self.captured - 1,
            media_time_us=media_time_us,
            luma=luma.pixels,
            width=luma.width,
            height=luma.height,
            counters=self.counters(decoded.corrupt + self._corrupt_offset),
            cursor=cursor,
        )

    def _note_cursor(self, decoded: DecodedFrame, before: Clock) -> None:
        """Remember a key frame; the next frame that is taken carries it."""
        origin = decoded.origin
        if decoded.stamp is None or origin is None:
            return
        if not (self._description.is_resumable and is_entry_point(decoded)):
            return
        self._cursor = Cursor(
            frame_index=self.captured,
            stamp=decoded.stamp,
            dts=origin.dts if self._description.seeks_by_dts else None,
            pos=origin.pos,
            start=before.start,
            shift_us=before.shift_us,
            last_us=before.last_us,
            sampled_out=self.sampled_out,
            corrupt=decoded.corrupt + self._corrupt_offset,
        ).encode()

    def _start(self, first: DecodedFrame) -> int | None:
        """The stream's start in ticks, by its first frame; see ingest.timestamps."""
        origin = first.origin
        if origin is None:
            return first.stamp
        if not self._description.is_timed_by_dts:
            return origin.earliest_pts
        # A frame has the DTS of the packet that pushed it out: its own, unless frames are
        # reordered. Then the first frame's is as much too late as all the others are.
        return origin.earliest_dts if origin.dts == first.stamp else first.stamp

    def _new_clock(self, start: int | None) -> Clock:
        return Clock(self._description.time_base, start or 0, self._description.frame_us)


def is_entry_point(decoded: DecodedFrame) -> bool:
    """Whether nothing after this frame needs anything before it.

    All three signs: a container marks recovery points and periodic refresh as key too. And no
    damage concealed in it, which without frames before it would not even be noticed.
    """
    return (
        decoded.origin is not None
        and not decoded.frame.is_corrupt
        and decoded.origin.is_key
        and decoded.frame.key_frame
        and decoded.frame.pict_type == PictureType.I
    )
