"""Open a recording, or say in one line why it cannot be used and what to do about it."""

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from contracts.errors import SourceError
from ingest.files.truncation import missing_bytes

# Playlists name other files, and text is rendered as a picture: neither is a recording.
_NOT_RECORDINGS: Final = frozenset({"hls", "dash", "concat", "tty", "sdp", "imf"})
_OPTIONS: Final = {"protocol_whitelist": "file", "pattern_type": "none"}
_COPY_AGAIN: Final = "Copy it again from where it was recorded"


@dataclass(frozen=True, slots=True)
class OpenRecording:
    """An open container and the one stream of it that is read."""

    container: InputContainer
    stream: VideoStream

    @property
    def is_timed_by_dts(self) -> bool:
        """Whether the container has no presentation timestamps.

        An AVI numbers its frames in the order they are decoded, and what FFmpeg infers from
        that is wrong for H.264 with B-frames.
        """
        return self.container.format.name == "avi"


def open_recording(path: Path) -> OpenRecording:
    """Open `path` and choose its video stream. Raises SourceError."""
    _check_file(path)
    try:
        # An absolute path cannot be taken for a URL; file: URLs would decode escapes.
        container = av.open(str(path.absolute()), "r", options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError) as exc:
        raise _unreadable(path) from exc
    try:
        return OpenRecording(container, _video_stream(container, path))
    except BaseException:  # Also Ctrl-C leaves no file open.
        container.close()
        raise


def _check_file(path: Path) -> None:
    name = path.name or str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"{name} is a directory", hint="Name a recording in it")
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"{name} is not a regular file", hint="Name a recording")
        with path.open("rb"):
            pass
    except FileNotFoundError as exc:
        raise SourceError(f"{name} does not exist", hint="Check the path") from exc
    except PermissionError as exc:
        raise SourceError(
            f"{name} may not be read by this user", hint="Change its permissions, or the user"
        ) from exc
    except OSError as exc:
        raise SourceError(
            f"{name} cannot be read: {exc.strerror}", hint="Check the disk or network it is on"
        ) from exc
    if status.st_size == 0:
        raise SourceError(f"{name} is empty (0 bytes)", hint=_COPY_AGAIN)


def _unreadable(path: Path) -> SourceError:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] in (b"ftyp", b"mdat", b"wide", b"free", b"skip"):
        missing = missing_bytes(path)
        detail = f": at least {missing:,} bytes are missing at its end" if missing else ""
        return SourceError(
            f"{path.name} is cut off before the index (moov) that makes it readable{detail}",
            hint=f"{_COPY_AGAIN}, or repair it with a tool such as untrunc",
        )
    return SourceError(
        f"{path.name} is not a recording: no video or image format is recognised in it",
        hint="Check that it is the file you meant, and that it plays elsewhere",
    )


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    if not _NOT_RECORDINGS.isdisjoint(container.format.name.split(",")):
        raise SourceError(
            f"{path.name} is a playlist or a text, not a recording",
            hint="Name the recording itself",
        )
    # A cover picture of a sound file is not footage.
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        what = "only sound" if container.streams.audio else "no video"
        raise SourceError(f"{path.name} holds {what}", hint="Name a recording with pictures")
    defaults = [s for s in streams if s.disposition & Disposition.default]
    stream = (defaults or streams)[0]
    if stream.codec_context is None:
        raise SourceError(
            f"{path.name} is in a video format that cannot be decoded here",
            hint="Convert it, for example to H.264 in MP4",
        )
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    # One thread: the result does not depend on the machine, an error belongs to its packet,
    # memory stays small, and several files are read in parallel anyway.
    stream.thread_type = "NONE"
    stream.thread_count = 1
    stream.codec_context.copy_opaque = True
    return stream
