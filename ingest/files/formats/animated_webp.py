"""Animated WebP as video in memory: FFmpeg reads only still WebP.

The file's chunks: https://developers.google.com/speed/webp/docs/riff_container
"""

import io
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from contracts.errors import SourceError
from ingest.decoding_limits import DecodingLimits
from ingest.files.content_hash import COPY_AGAIN
from runtime.files.regular_files import open_regular, read_regular

_HEAD_BYTES: Final = 30
_IS_ANIMATED: Final = 0x02
_BYTES_AT_ONCE: Final = 256 * 2**20
_BYTES_PER_PIXEL: Final = 4
_MOST_FRAMES: Final = 32_767
_SHORTEST_MS: Final = 10
_NOMINAL_RATE: Final = 10
_MILLISECOND: Final = Fraction(1, 1000)

_Bytes = npt.NDArray[np.uint8]


def is_animated_webp(path: Path) -> bool:
    """Return whether the file is a WebP animation. Raises OSError."""
    with open_regular(path) as file:
        head = file.read(_HEAD_BYTES)
    is_webp = (head[:4], head[8:16]) == (b"RIFF", b"WEBPVP8X")
    return is_webp and len(head) == _HEAD_BYTES and bool(head[20] & _IS_ANIMATED)


def as_video(path: Path, limits: DecodingLimits) -> io.BytesIO:
    """Return the animation as lossless video in Matroska.

    Raises SourceError if it cannot be decoded, DecodingLimitError, OSError and MemoryError.
    """
    data = np.frombuffer(read_regular(path), np.uint8)
    width, height = (int.from_bytes(bytes(data[at : at + 3]), "little") + 1 for at in (24, 27))
    limits.check(width, height)
    # OpenCV decodes from the first frame each time.
    at_once = min(max(1, _BYTES_AT_ONCE // (_BYTES_PER_PIXEL * width * height)), _MOST_FRAMES)
    video, shown_ms, count = io.BytesIO(), 0, 0
    with av.open(video, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=_NOMINAL_RATE)
        stream.codec_context.time_base = _MILLISECOND
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        while True:
            frames, durations = _decode(data, count, at_once)
            for pixels, shown in zip(frames, durations, strict=True):
                frame = VideoFrame.from_ndarray(
                    np.ascontiguousarray(pixels[:, :, :3]), format="bgr24"
                )
                frame.pts, frame.time_base = shown_ms, _MILLISECOND
                shown_ms += max(int(shown), _SHORTEST_MS)
                container.mux(stream.encode(frame.reformat(format="bgr0")))
            count += len(frames)
            if len(frames) < at_once:
                break
        container.mux(stream.encode(None))
    if not count:
        raise SourceError(f"{path.name} is damaged: no frame of it is whole", hint=COPY_AGAIN)
    video.seek(0)
    return video


def _decode(data: _Bytes, start: int, count: int) -> tuple[list[_Bytes], list[int]]:
    """Return the next frames and how long each is shown, in milliseconds; none at the end."""
    # Imported here: a process that reads other recordings does not need OpenCV.
    from runtime.decoding.opencv import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # It reports the end.
    try:
        _, found = cv2.imdecodeanimation(data[None, :], start, count)
    except cv2.error as exc:
        if exc.code == cv2.Error.StsNoMem:
            raise MemoryError from exc
        return [], []
    return [np.asarray(one, np.uint8) for one in found.frames], list(found.durations)
