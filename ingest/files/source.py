"""FileSource: a recording, or an image, as a source of frames."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av

from contracts.errors import DecodingLimitError, SourceError
from contracts.frames import MAX_SIDE
from ingest.decoding_limits import DEFAULT_LIMITS, DecodingLimits
from ingest.files.content_hash import COPY_AGAIN
from ingest.files.cursors import Cursor
from ingest.files.decoding import DecodedFrame, StreamDecoder
from ingest.files.formats.truncation import missing_bytes
from ingest.files.lost_packets import MAX_REORDER
from ingest.files.opening import OpenRecording, open_recording
from ingest.files.reading_pass import ReadingPass, is_entry_point
from ingest.files.recording_info import ColourTags, RecordingInfo, describe, measured
from ingest.frame_source import SourceFrame, SourceInfo, SourceTotals
from ingest.luma import LumaConverter
from ingest.picture_view import DEFAULT_VIEW, PictureView
from ingest.sampling import sampling_rate

_CHECK_FILE: Final = f"Check that a video player can play it. {COPY_AGAIN}"


class FileSource:
    """Reads one file. Raises SourceError if it cannot be opened or no frame decodes.

    name: for errors; by default that of the path. fps: sampled frames a second of media time;
    None: every frame. max_side: longest side of the
    luma, pixels. limits: a larger frame ends the recording. view: how its pictures are read.
    keeps_damaged: yield frames in which damage can show too, as earlier versions did. MemoryError
    ends it too.
    """

    def __init__(  # noqa: PLR0913  (all but the path by name)
        self,
        path: Path,
        *,
        fps: float | None,
        max_side: int,
        limits: DecodingLimits = DEFAULT_LIMITS,
        view: PictureView = DEFAULT_VIEW,
        keeps_damaged: bool = False,
        name: str = "",
    ) -> None:
        self._path = path
        self._name = name or path.name
        self._keeps_damaged = keeps_damaged
        self._limits = limits
        self._rate = None if fps is None else sampling_rate(fps)
        self._max_side = max_side
        self._view = view
        self._description = _describe_file(path, self._name, limits, view)
        self._open: OpenRecording | None = None
        self._totals: SourceTotals | None = None

    @property
    def path(self) -> Path:
        """The path that is read."""
        return self._path

    @property
    def info(self) -> SourceInfo:
        return self._description.info

    def measure(self, on_step: Callable[[], object] = bool) -> SourceInfo:
        """Return `info` with the length that the packets have, where no index has it.

        The file is read, but not decoded. on_step: called meanwhile.
        """
        opened = self._reopen()
        try:
            return measured(self._description, opened, self._limits, on_step)
        finally:
            self.close()

    @property
    def start_s(self) -> Fraction:
        """The presentation time of the first frame in the container, where media time is 0."""
        return self._description.start_s

    @property
    def colours(self) -> ColourTags:
        """The meaning of the values of luma and chroma."""
        return self._description.colours

    @property
    def totals(self) -> SourceTotals:
        """The totals of the last call of `frames`. Raises RuntimeError until it is exhausted."""
        if self._totals is None:
            raise RuntimeError("totals are known only after the last frame")
        return self._totals

    def frames(self, cursor: str = "") -> Iterator[SourceFrame]:
        """Yield the sampled frames from the one that carried `cursor`, or from the first.

        Frames, times, luma and counters do not depend on where reading begins. If the cursor's key
        frame is not found, or the file is damaged, the file is decoded from the start.
        """
        self._totals = None
        position = Cursor.decode(cursor) if cursor else None
        next_index = position.frame_index if position else 0
        current = self._pass_from(position) if position else None
        if current is not None:
            for frame in _undamaged_frames(current):
                yield frame
                next_index = frame.frame_index + 1
        # How a decoder conceals damage depends on all the packets before it.
        if current is None or current.is_damaged:
            current = self._pass_from_start()
            yield from (frame for frame in current.frames() if frame.frame_index >= next_index)
        self._totals = self._final_totals(current)
        self.close()

    def close(self) -> None:
        """Close the file. `frames` opens it again."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _reopen(self) -> OpenRecording:
        self.close()
        self._open = open_recording(self._path, self._limits, self._name)
        return self._open

    def _pass_from_start(self) -> ReadingPass:
        decoder = StreamDecoder(self._reopen(), self._limits)
        return self._reading_pass(decoder, decoder.frames())

    def _reading_pass(self, decoder: StreamDecoder, decoded: Iterator[DecodedFrame]) -> ReadingPass:
        converter = LumaConverter(
            self._description.orientation,
            self._description.aspect,
            self._max_side,
            masks=self._view.masks,
            colour=self._view.colour,
        )
        return ReadingPass(
            decoder,
            decoded,
            self._description,
            self._rate,
            converter,
            keeps_damaged=self._keeps_damaged,
        )

    def _pass_from(self, cursor: Cursor) -> ReadingPass | None:
        """Return a pass that begins with the cursor's key frame; None if it is not found."""
        opened = self._reopen()
        ticks = cursor.stamp if cursor.dts is None else min(cursor.stamp, cursor.dts)
        try:
            opened.container.seek(ticks, stream=opened.stream)
        except av.FFmpegError:
            return None
        decoder = StreamDecoder(opened, self._limits)
        decoded = decoder.frames()
        for frame in decoded:
            if frame.stamp is None or frame.stamp > cursor.stamp:
                return None
            if frame.stamp == cursor.stamp:
                if not is_entry_point(frame) or not frame.origin or frame.origin.pos != cursor.pos:
                    return None
                resumed = self._reading_pass(decoder, itertools.chain([frame], decoded))
                resumed.resume_at(cursor, frame)
                return resumed
        return None

    def _final_totals(self, current: ReadingPass) -> SourceTotals:
        if current.decoded_count == 0:
            raise _no_frame(self._name, current.refusal, is_damaged=current.is_damaged)
        error = self._truncation(current)
        if current.damaged == current.decoded_count:
            error = f"{self._name} is damaged: no frame of it is whole. {COPY_AGAIN}"
        return SourceTotals(current.decoded_count, current.counters(current.lost), error)

    def _truncation(self, current: ReadingPass) -> str:
        """Return one line about a file that ends too early; empty if it is complete."""
        claimed = self.info.frames_claimed
        missing = 0
        with suppress(OSError):  # It may have been deleted after it was read.
            missing = missing_bytes(self._path)
        if not (current.read_error or current.refusal):
            complete = claimed is not None and current.decoded_count + current.lost >= claimed
            if not missing or complete:
                return ""
        whole = current.decoded_count - current.damaged
        amount = f"{whole:,} frames" + (f" of about {claimed:,}" if claimed else "")
        if current.refusal:
            return f"{self._name} ends early: after {amount}, {current.refusal.line()}"
        cause = f"{missing:,} bytes are missing" if missing else current.read_error.lower()
        return f"{self._name} ends early: {amount} were read, then {cause}. {COPY_AGAIN}"


def _describe_file(
    path: Path, name: str, limits: DecodingLimits, view: PictureView
) -> RecordingInfo:
    """Return the description from the header and the first frame. Raises SourceError."""
    opened = open_recording(path, limits, name)
    try:
        decoder = StreamDecoder(opened, limits)
        first = next(decoder.frames(), None)
        if first is None:
            raise _no_frame(name, decoder.refusal, is_damaged=decoder.has_rejected)
        description = describe(opened, first.frame, view)
    finally:
        opened.close()
    info = description.info
    if max(info.display_width, info.display_height) > MAX_SIDE:
        raise SourceError(
            f"{name} is too large: {info.display_width}x{info.display_height} pixels",
            hint=f"Scale it down to at most {MAX_SIDE} pixels a side",
        )
    return description


def _no_frame(name: str, refusal: DecodingLimitError | None, *, is_damaged: bool) -> SourceError:
    if refusal is not None:
        return DecodingLimitError(f"{name}: {refusal}", hint=refusal.hint)
    if is_damaged:
        return SourceError(f"{name} is damaged: no frame of it is whole", hint=COPY_AGAIN)
    return SourceError(f"no frame in {name} can be decoded", hint=_CHECK_FILE)


def _undamaged_frames(current: ReadingPass) -> Iterator[SourceFrame]:
    """Yield the frames that no damage can affect, each delayed until this is known."""
    held: deque[SourceFrame] = deque()
    for frame in current.frames():
        held.append(frame)
        if current.is_damaged:
            return
        # A frame's dwell depends on the frames up to the next sampled one.
        while len(held) > 1 and current.decoded_count - held[1].frame_index > MAX_REORDER + 1:
            yield held.popleft()
    if not current.is_damaged:
        yield from held
