"""Opening a recording: the checks of the file, and the choice of its video stream."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from contracts.errors import SourceError
from ingest.decoding_limits import DecodingLimits
from ingest.files.content_hash import COPY_AGAIN
from ingest.files.formats.animated_webp import as_video, is_animated_webp
from ingest.files.formats.picture_grid import PictureGrid, read_picture_grid
from ingest.files.formats.transport_stream import ProgramPart, is_transport_stream
from ingest.files.formats.truncation import missing_bytes
from runtime.files.regular_files import open_regular

# Playlists refer to other files, and FFmpeg draws text as video. Neither is a recording.
_NOT_RECORDINGS: Final = frozenset({"hls", "dash", "concat", "tty", "sdp", "imf"})
_PICTURE_CODECS: Final = frozenset({"mjpeg", "png", "webp", "bmp"})
_OPTIONS: Final = {"protocol_whitelist": "file", "pattern_type": "none"}
# FFmpeg takes timestamps that begin again for wrapped ones, and the rest would be a day later.
# `MediaClock` tells them apart.
_STREAM_OPTIONS: Final = {"correct_ts_overflow": "0"}


@dataclass(slots=True)
class OpenRecording:
    """An open container, and the stream of it that is read.

    name: of the file, for errors.
    part: the part of a transport stream that the container reads; None for other recordings.
    grid: the layout of a tiled picture, whose tiles are streams; None for other recordings.
    """

    path: Path
    name: str
    container: InputContainer
    stream: VideoStream
    part: ProgramPart | None = None
    grid: PictureGrid | None = None

    @property
    def is_timed_by_dts(self) -> bool:
        """Whether to time frames by DTS, because the container has no presentation timestamps.

        AVI numbers its frames in decoding order. The PTS that FFmpeg infers from it are wrong for
        H.264 with B-frames.
        """
        return self.container.format.name == "avi"

    @property
    def tiles(self) -> list[VideoStream]:
        """The streams of a tiled picture's tiles."""
        return _tiles_of(self.container, self.grid) if self.grid else []

    def advance(self, limits: DecodingLimits) -> bool:
        """Open the next part that has video; return whether there is one.

        Raises SourceError if it cannot be read, and MemoryError.
        """
        while self.part is not None and self.part.end is not None:
            begin = self.part.end
            self.close()
            self.part = ProgramPart(self.path, begin)
            self.container = _open_container(self.path, self.name, self.part, limits)
            if self.container.streams.video:
                self.stream = _video_stream(self.container, self.name)
                limits.apply_to(self.stream.codec_context)
                return True
        return False

    def close(self) -> None:
        """Close the file."""
        self.container.close()
        if self.part is not None:
            self.part.close()


@contextmanager
def pinned(path: Path) -> Iterator[Path]:
    """Yield a path of the file that is at `path` now, whatever is put there afterwards.

    FFmpeg opens files by their paths, and somebody who may write to the folder could exchange the
    file after its content was checked. Raises SourceError.
    """
    with _checked(path, path.name) as file:
        place = Path(f"/proc/self/fd/{file.fileno()}")
        yield place if place.exists() else path  # Other systems than Linux have no such path.


def open_recording(path: Path, limits: DecodingLimits, name: str = "") -> OpenRecording:
    """Open `path` and choose its video stream. name: for errors; by default that of the path.

    Raises SourceError, MemoryError.
    """
    name = name or path.name
    _checked(path, name).close()
    part = ProgramPart(path) if is_transport_stream(path) else None
    container: InputContainer | None = None
    try:
        container = _open_container(path, name, part, limits)
        grid = read_picture_grid(path) if "mp4" in container.format.name else None
        if grid is not None and (tiles := _tiles_of(container, grid)):
            limits.check(grid.width, grid.height)
            for tile in tiles:
                limits.apply_to(tile.codec_context)
            return OpenRecording(path, name, container, tiles[0], grid=grid)
        stream = _video_stream(container, name)
        limits.apply_to(stream.codec_context)
        return OpenRecording(path, name, container, stream, part)
    except BaseException:  # Also for Ctrl-C: the file must not stay open.
        if container is not None:
            container.close()
        if part is not None:
            part.close()
        raise


def _tiles_of(container: InputContainer, grid: PictureGrid) -> list[VideoStream]:
    """Return the streams of the tiles; none unless each tile has one that can be decoded."""
    by_id = {stream.id: stream for stream in container.streams.video}
    tiles = [by_id[item] for item in grid.tiles if item in by_id]
    are_decodable = all(tile.codec_context is not None for tile in tiles)
    return tiles if len(tiles) == len(grid.tiles) and are_decodable else []


def _open_container(
    path: Path, name: str, part: ProgramPart | None, limits: DecodingLimits
) -> InputContainer:
    # An absolute path cannot be mistaken for a URL; a file: URL would decode escapes.
    file: str | ProgramPart | BytesIO = str(path.absolute()) if part is None else part
    if part is None and is_animated_webp(path):
        file = as_video(path, limits)
    options = _OPTIONS | limits.options | (_STREAM_OPTIONS if part is not None else {})
    try:
        return av.open(file, "r", options=options, metadata_errors="replace")
    except MemoryError:
        raise
    except (av.FFmpegError, OSError) as exc:
        raise _unreadable(path, name) from exc


def _checked(path: Path, name: str) -> BinaryIO:
    """Open a file that is not empty. Raises SourceError."""
    name = name or str(path)
    try:
        file = open_regular(path)
    except IsADirectoryError as exc:
        raise SourceError(f"{name} is a folder", hint="Give a recording in it") from exc
    except FileNotFoundError as exc:
        raise SourceError(f"{name} does not exist", hint="Check the path") from exc
    except PermissionError as exc:
        raise SourceError(
            f"no permission to read {name}", hint="Change the file's permissions"
        ) from exc
    except OSError as exc:
        raise SourceError(
            f"{name} cannot be read: {exc.strerror}",
            hint="Check the file, and the disk or network that it is on",
        ) from exc
    if os.fstat(file.fileno()).st_size == 0:
        file.close()
        raise SourceError(f"{name} is empty (0 bytes)", hint=COPY_AGAIN)
    return file


def _unreadable(path: Path, name: str) -> SourceError:
    with open_regular(path) as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"mdat", b"wide", b"free", b"skip"):
        missing = missing_bytes(path)
        detail = f": at least {missing:,} bytes are missing" if missing else ""
        return SourceError(
            f"{name} is cut off before its index (moov){detail}",
            hint=f"{COPY_AGAIN}, or repair it with a tool such as untrunc",
        )
    return SourceError(
        f"{name} is not a recording: its format is not a known video or image format",
        hint="Check that it is the right file, and that a video player can play it",
    )


def _rank(stream: VideoStream) -> tuple[bool, bool]:
    """Return the sort key of a stream: a thumbnail may have a track of its own, the default one."""
    context = stream.codec_context
    is_thumbnail = context is not None and context.name in _PICTURE_CODECS
    return is_thumbnail, not stream.disposition & Disposition.default


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    if not _NOT_RECORDINGS.isdisjoint(container.format.name.split(",")):
        raise SourceError(
            f"{name} is a playlist or a text file, not a recording",
            hint="Give the recording itself",
        )
    # The cover picture of an audio file is not video.
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        content = "only audio" if container.streams.audio else "no video"
        raise SourceError(f"{name} contains {content}", hint="Give a recording with video")
    stream = min(streams, key=_rank)
    if stream.codec_context is None:
        raise SourceError(
            f"the video format of {name} is not supported",
            hint="Convert it, for example to H.264 in MP4",
        )
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    # One thread: the result does not depend on the machine, each error belongs to its packet, and
    # memory stays small. Several files are read in parallel anyway.
    stream.thread_type = "NONE"
    stream.thread_count = 1
    stream.codec_context.copy_opaque = True
    return stream
