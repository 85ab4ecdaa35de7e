"""FileSource: a recording or a still image as a source of frames."""

import itertools
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av

from contracts.errors import SourceError
from contracts.frames import MAX_SIDE
from ingest.files.cursors import Cursor
from ingest.files.decoding import Decoding
from ingest.files.lost_packets import MAX_REORDER
from ingest.files.opening import OpenRecording, open_recording
from ingest.files.reading_pass import FilePass, is_entry_point
from ingest.files.recording_info import RecordingInfo, describe
from ingest.files.truncation import missing_bytes
from ingest.frame_source import SourceFrame, SourceInfo, Totals
from ingest.sampling import sampling_rate


class FileSource:
    """Reads one file. Raises SourceError where it cannot be opened or nothing in it decodes.

    fps: sample by time; None takes every frame. max_side: longest side of the luma, pixels.
    """

    def __init__(self, path: Path, *, fps: float | None, max_side: int) -> None:
        self._path = path
        self._rate = None if fps is None else sampling_rate(fps)
        self._max_side = max_side
        self._description = _first_look(path)
        self._open: OpenRecording | None = None
        self._totals: Totals | None = None

    @property
    def info(self) -> SourceInfo:
        return self._description.info

    @property
    def totals(self) -> Totals:
        """The totals of the last `frames`. Raises RuntimeError before that is exhausted."""
        if self._totals is None:
            raise RuntimeError("a source has totals once its frames are exhausted")
        return self._totals

    def frames(self, cursor: str = "") -> Iterator[SourceFrame]:
        """The sampled frames from the one that carried `cursor`, or from the first.

        Frames, times, luma and counters are the same wherever reading begins. A cursor whose
        key frame is not found, or a damaged file, costs a decode from the start, no more.
        """
        self._totals = None
        asked = Cursor.decode(cursor) if cursor else None
        next_index = asked.frame_index if asked else 0
        run = self._resumed(asked) if asked else None
        if run is not None:
            for frame in _while_sound(run):
                yield frame
                next_index = frame.frame_index + 1
        # What a decoder puts in the place of damage depends on all that it decoded before.
        if run is None or run.is_damaged:
            run = self._from_start()
            yield from (frame for frame in run.frames() if frame.frame_index >= next_index)
        self._totals = self._final_totals(run)
        self.close()

    def close(self) -> None:
        """Release the file. `frames` opens it again."""
        if self._open is not None:
            self._open.container.close()
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
        self._open = open_recording(self._path)
        return self._open

    def _from_start(self) -> FilePass:
        decoding = Decoding(self._reopen())
        return FilePass(decoding, decoding.frames(), self._description, self._rate, self._max_side)

    def _resumed(self, cursor: Cursor) -> FilePass | None:
        """A run that begins with the cursor's key frame; None where it is not found."""
        opened = self._reopen()
        ticks = cursor.stamp if cursor.dts is None else min(cursor.stamp, cursor.dts)
        try:
            opened.container.seek(ticks, stream=opened.stream)
        except av.FFmpegError:
            return None
        decoding = Decoding(opened)
        decoded = decoding.frames()
        for frame in decoded:
            if frame.stamp is None or frame.stamp > cursor.stamp:
                return None
            if frame.stamp == cursor.stamp:
                if not is_entry_point(frame) or not frame.origin or frame.origin.pos != cursor.pos:
                    return None
                rest = itertools.chain([frame], decoded)
                run = FilePass(decoding, rest, self._description, self._rate, self._max_side)
                run.take_up(cursor, frame)
                return run
        return None

    def _final_totals(self, run: FilePass) -> Totals:
        if run.captured == 0:
            raise SourceError(
                f"no picture in {self._path.name} can be decoded",
                hint="Check that it plays elsewhere; copy it again from where it was recorded",
            )
        return Totals(run.captured, run.counters(run.corrupt), self._cut_off(run))

    def _cut_off(self, run: FilePass) -> str:
        """One line where the file ends before its container says it does; else empty."""
        claimed = self.info.frames_claimed
        missing = missing_bytes(self._path)
        if not run.read_error:
            complete = claimed is not None and run.captured + run.corrupt >= claimed
            if not missing or complete:
                return ""
        amount = f"{run.captured:,} frames" + (f" of about {claimed:,}" if claimed else "")
        cause = f"{missing:,} bytes are missing" if missing else run.read_error.lower()
        return (
            f"{self._path.name} ends early: {amount} were read, then {cause}. "
            "Copy it again from where it was recorded"
        )


def _first_look(path: Path) -> RecordingInfo:
    """Describe the file by its header and its first picture. Raises SourceError."""
    opened = open_recording(path)
    try:
        first = next(Decoding(opened).frames(), None)
        if first is None:
            raise SourceError(
                f"no picture in {path.name} can be decoded",
                hint="Check that it plays elsewhere; copy it again from where it was recorded",
            )
        description = describe(opened, first.frame)
    finally:
        opened.container.close()
    info = description.info
    if max(info.display_width, info.display_height) > MAX_SIDE:
        raise SourceError(
            f"{path.name} is {info.display_width}x{info.display_height} pixels",
            hint=f"Scale it to at most {MAX_SIDE} pixels a side",
        )
    return description


def _while_sound(run: FilePass) -> Iterator[SourceFrame]:
    """The frames of `run` that no damage can have touched, held back until that is known."""
    held: deque[SourceFrame] = deque()
    for frame in run.frames():
        held.append(frame)
        if run.is_damaged:
            return
        while run.captured - held[0].frame_index > MAX_REORDER + 1:
            yield held.popleft()
    if not run.is_damaged:
        yield from held
