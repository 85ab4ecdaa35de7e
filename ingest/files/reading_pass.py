"""ReadingPass: one pass over a recording, with its counts, its clock and its cursors."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from av.video.frame import PictureType

from contracts.errors import DecodingLimitError
from contracts.frames import LEAST_DWELL_LIMIT_US, Counters, DropCause
from contracts.times import MICROS
from ingest.dwell import Dwell
from ingest.files.cursors import Cursor
from ingest.files.decoding import DecodedFrame, StreamDecoder
from ingest.files.recording_info import RecordingInfo
from ingest.frame_source import SourceFrame
from ingest.luma import LumaConverter
from ingest.sampling import is_sampled
from ingest.timestamps import MediaClock, nearest, without_strays


class ReadingPass:
    """The sampled frames of one pass, from the start or from a cursor's key frame.

    decoded: the frames of `decoder` that are left to read. rate: sampled frames a second; None:
    every frame. converter: of the sampled frames. keeps_damaged: yield damaged frames too.
    decoded_count, sampled_out, damaged: frames so far, counted from the start of the file.
    """

    def __init__(  # noqa: PLR0913  (its whole surroundings, once)
        self,
        decoder: StreamDecoder,
        decoded: Iterator[DecodedFrame],
        description: RecordingInfo,
        rate: Fraction | None,
        converter: LumaConverter,
        *,
        keeps_damaged: bool = False,
    ) -> None:
        self._decoder = decoder
        self._keeps_damaged = keeps_damaged
        self._decoded = decoded
        self._description = description
        self._rate = rate
        self._converter = converter
        self._clock: MediaClock | None = None
        self._corrupt_offset = 0
        self._corrupt_at_start = 0
        self._concealed = False
        self._cursor = ""
        self.decoded_count = 0
        self.sampled_out = 0
        self.damaged = 0

    @property
    def lost(self) -> int:
        """Packets lost so far, counted from the start of the file."""
        return self._decoder.corrupt + self._corrupt_offset

    @property
    def is_damaged(self) -> bool:
        """Whether this pass has lost a packet or concealed damage, as far as is known by now.

        Damage is known at most MAX_REORDER frames after the first frame that it can affect.
        """
        lost = self._decoder.corrupt > self._corrupt_at_start
        return self._decoder.has_rejected or self._concealed or lost

    @property
    def read_error(self) -> str:
        return self._decoder.error

    @property
    def refusal(self) -> DecodingLimitError | None:
        return self._decoder.refusal

    def resume_at(self, cursor: Cursor, key_frame: DecodedFrame) -> None:
        """Set the state of the pass that made `cursor`. key_frame: the cursor's, decoded again."""
        self.decoded_count = cursor.frame_index
        self.sampled_out = cursor.sampled_out
        self.damaged = cursor.damaged
        self._corrupt_offset = cursor.corrupt - key_frame.corrupt
        self._corrupt_at_start = key_frame.corrupt
        self._clock = replace(
            self._description.clock(cursor.start),
            shift_us=cursor.shift_us,
            last_us=cursor.last_us,
            stamped_us=cursor.last_us or 0,
        )

    def frames(self) -> Iterator[SourceFrame]:
        """Yield the sampled frames. The others, and damaged ones, are only counted.

        A frame is yielded when the next one is sampled, because its dwell is known then.
        """
        waiting, own_ticks = None, 0
        dwell = Dwell(self._description.pace_us, 0)
        stamped = ((one, one.stamp) for one in self._decoded)
        for decoded, stamp in without_strays(stamped, self._description.longest_step):
            before = self._clock or self._description.clock(self._stream_start(decoded))
            self._concealed = self._concealed or decoded.frame.is_corrupt
            if stamp is not None:
                self._note_cursor(decoded, stamp, before)
            self._clock = before.next(stamp)
            media_time_us = self._clock.last_us or 0
            self.decoded_count += 1
            if decoded.is_damaged and not self._keeps_damaged:
                self.damaged += 1
                continue
            dwell.note(media_time_us)
            own_ticks = decoded.frame.duration or 0
            if self._rate and not is_sampled(before.last_us, media_time_us, self._rate):
                self.sampled_out += 1
                continue
            if waiting is not None:
                yield replace(waiting, dwell_us=dwell.us)
            waiting = self._source_frame(decoded, media_time_us)
            dwell = Dwell(self._description.pace_us, media_time_us)
        if waiting is not None:
            own_us = nearest(own_ticks * self._description.time_base * MICROS)
            if self.decoded_count > 1 or own_us > LEAST_DWELL_LIMIT_US:  # A picture has no length.
                dwell.end(own_us, self._description.header_end_us)
            yield replace(waiting, dwell_us=dwell.us)

    def counters(self, lost: int) -> Counters:
        """Return the counts so far, with `lost` packets."""
        corrupt = lost + self.damaged
        dropped = {DropCause.CORRUPT.value: corrupt} if corrupt else {}
        return Counters(self.decoded_count + lost, self.sampled_out, dropped)

    def _source_frame(self, decoded: DecodedFrame, media_time_us: int) -> SourceFrame:
        luma = self._converter.convert(decoded.frame)
        cursor, self._cursor = self._cursor, ""
        return SourceFrame(
            frame_index=self.decoded_count - 1,
            media_time_us=media_time_us,
            luma=luma.pixels,
            width=luma.width,
            height=luma.height,
            counters=self.counters(decoded.corrupt + self._corrupt_offset),
            cursor=cursor,
            chroma=luma.chroma,
        )

    def _note_cursor(self, decoded: DecodedFrame, stamp: int, before: MediaClock) -> None:
        """Keep the cursor of a key frame for the next sampled frame."""
        origin = decoded.origin
        if origin is None or not (self._description.is_resumable and is_entry_point(decoded)):
            return
        self._cursor = Cursor(
            frame_index=self.decoded_count,
            stamp=stamp,
            dts=origin.dts if self._description.seeks_by_dts else None,
            pos=origin.pos,
            start=before.start,
            shift_us=before.shift_us,
            last_us=before.last_us,
            sampled_out=self.sampled_out,
            corrupt=decoded.corrupt + self._corrupt_offset,
            damaged=self.damaged,
        ).encode()

    def _stream_start(self, first: DecodedFrame) -> int | None:
        """Return the stream's start in ticks, from its first frame; see ingest.timestamps."""
        origin = first.origin
        if origin is None:
            return first.stamp
        if not self._description.is_timed_by_dts:
            return origin.earliest_pts
        # A frame has the DTS of the packet that made the decoder output it: its own packet, unless
        # frames are reordered. Then all frames have a DTS that is too late by the same amount.
        return origin.earliest_dts if origin.dts == first.stamp else first.stamp


def is_entry_point(decoded: DecodedFrame) -> bool:
    """Return whether decoding can begin with this frame and yield the same frames.

    All three signs of a key frame are needed, as containers mark recovery points and periodic
    refresh too. A frame with concealed damage is none: a decoder that begins here would not
    notice the damage.
    """
    return (
        decoded.origin is not None
        and not decoded.frame.is_corrupt
        and decoded.origin.is_key
        and decoded.frame.key_frame
        and decoded.frame.pict_type == PictureType.I
    )
