"""A probe of a source: read it for a few seconds, measure, and look for faces."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from contracts.errors import SourceError
from contracts.settings import Settings
from inference_worker.faces.detectors.choice import detector_id, make_detector
from inference_worker.faces.detectors.detection import Detector
from inference_worker.pictures.drawing import blurred_jpeg
from ingest.decoding_limits import DecodingLimits
from ingest.live.inputs import InputFrame
from ingest.live.opening import open_live
from ingest.live.pacing import Playback
from ingest.live.uris import describe
from ingest.luma import LumaConverter, display_size
from ingest.orientation import Orientation
from runtime.decoding.memory_limit import limited_memory

_SECONDS: Final = 3.0
_SEARCHES_PER_SECOND: Final = 4.0


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """The result of a probe.

    rate: frames per second as the source claims; fps: as measured. pictures: decoded frames.
    looked: frames that were searched for faces; with_face: those with at least one; faces: the
    most in one frame.
    """

    source: str
    codec: str
    width: int
    height: int
    rate: float | None
    fps: float
    opened_s: float
    first_picture_s: float
    pictures: int
    corrupt: int
    looked: int
    with_face: int
    faces: int


def probe(
    settings: Settings, uri: str, *, max_side: int, on_open: Callable[[], object] = lambda: None
) -> tuple[ProbeReport, bytes]:
    """Read the source for three seconds. on_open: called when it is open.

    Returns the report, and the last searched frame as JPEG with blurred faces. Raises SourceError
    if the source delivers no frame, and DecodingLimitError.
    """
    detector = make_detector(detector_id(settings.detector))
    with limited_memory(settings.source_memory_mb):
        return _probe(settings, detector, uri, max_side, on_open)


def _probe(
    settings: Settings,
    detector: Detector,
    uri: str,
    max_side: int,
    on_open: Callable[[], object],
) -> tuple[ProbeReport, bytes]:
    begin_s = time.monotonic()
    limits = DecodingLimits(settings.max_source_megapixels)
    live = open_live(uri, settings.source_hosts, limits)
    on_open()
    opened_s = time.monotonic() - begin_s
    first_s = search_s = 0.0
    size, pictures, counts = (0, 0), 0, []
    jpeg, playback = b"", Playback()
    try:
        for frame in live.frames():
            now_s = time.monotonic()
            if not pictures:
                first_s, size = now_s, _size(frame, live.aspect)
            pictures += 1
            if frame.media_s is not None:  # A file is not paced by its reader.
                wait_s = playback.wait_s(frame.media_s, now_s)
                time.sleep(wait_s)
                now_s += wait_s
            if now_s >= search_s:
                search_s = now_s + 1 / _SEARCHES_PER_SECOND
                converter = LumaConverter(_orientation(frame), live.aspect, max_side)
                luma = converter.convert(frame.image)
                pixels = np.frombuffer(luma.pixels, np.uint8).reshape(luma.height, luma.width)
                min_side = settings.min_face_px * luma.width / size[0]
                found = detector.search(pixels, min_side, thorough=False)
                counts.append(len(found))
                jpeg = blurred_jpeg(pixels, [one.box for one in found])
            if now_s - first_s >= _SECONDS:
                break
    finally:
        live.close()
    if not pictures:
        raise SourceError(f"{describe(uri)} opens, but delivers no frame")
    seconds = max(now_s - first_s, 1e-6)
    report = ProbeReport(
        source=describe(uri),
        codec=live.codec,
        width=size[0],
        height=size[1],
        rate=live.rate,
        fps=round((pictures - 1) / seconds, 1) if pictures > 1 else 0.0,
        opened_s=round(opened_s, 2),
        first_picture_s=round(first_s - begin_s, 2),
        pictures=pictures,
        corrupt=live.corrupt,
        looked=len(counts),
        with_face=sum(count > 0 for count in counts),
        faces=max(counts, default=0),
    )
    return report, jpeg


def _orientation(frame: InputFrame) -> Orientation:
    return Orientation.from_rotation(frame.image.rotation)


def _size(frame: InputFrame, aspect: Fraction) -> tuple[int, int]:
    return display_size(frame.image.width, frame.image.height, aspect, _orientation(frame))
