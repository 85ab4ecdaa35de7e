"""A probe of a source: read it for a few seconds, measure, and look for faces."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from contracts.errors import SourceError
from contracts.parsing.addresses import HostPort
from contracts.settings import Settings
from contracts.zones.zone import Zones, admits
from inference_worker.faces.detectors.choice import chosen_detector
from inference_worker.faces.detectors.detection import Detection, Detector, Image
from inference_worker.pictures.colour import bgr_picture
from inference_worker.pictures.drawing import blurred_jpeg
from ingest.decoding_limits import DecodingLimits
from ingest.live.inputs import InputFrame
from ingest.live.opening import open_live
from ingest.live.pacing import Playback
from ingest.live.uris import describe
from ingest.luma import Luma, LumaConverter, display_size
from ingest.orientation import Orientation
from ingest.picture_view import PictureView
from moodline.adapters.probing.probed_source import ProbedSource
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
    settings: Settings, source: ProbedSource, on_open: Callable[[], object] = lambda: None
) -> tuple[ProbeReport, bytes]:
    """Read the source for three seconds. on_open: called when it is open.

    Returns the report, and the last searched frame as JPEG with blurred faces. Raises SourceError
    if the source delivers no frame, and DecodingLimitError.
    """
    detector = chosen_detector(settings)
    with limited_memory(settings.source_memory_mb):
        return _probe(settings, detector, source, on_open)


def _probe(
    settings: Settings,
    detector: Detector,
    source: ProbedSource,
    on_open: Callable[[], object],
) -> tuple[ProbeReport, bytes]:
    begin_s = time.monotonic()
    limits = DecodingLimits(settings.max_source_megapixels)
    own = [HostPort.parse(one) for one in source.own_places]
    live = open_live(source.uri, settings.source_hosts, limits, own)
    on_open()
    opened_s = time.monotonic() - begin_s
    first_s = search_s = 0.0
    size, pictures, counts = (0, 0), 0, []
    jpeg, playback = b"", Playback()
    try:
        for frame in live.frames():
            now_s = time.monotonic()
            if not pictures:
                first_s, size = now_s, _size(frame, live.aspect, source.view)
            pictures += 1
            if frame.media_s is not None:  # A file is not paced by its reader.
                wait_s = playback.wait_s(frame.media_s, now_s)
                time.sleep(wait_s)
                now_s += wait_s
            if now_s >= search_s:
                search_s = now_s + 1 / _SEARCHES_PER_SECOND
                luma = _luma(frame, live.aspect, source)
                pixels = np.frombuffer(luma.pixels, np.uint8).reshape(luma.height, luma.width)
                min_face_px = source.min_face_px or settings.min_face_px
                min_side = min_face_px * pixels.shape[1] / size[0]
                found = detector.search(pixels, min_side, thorough=False)
                counts.append(sum(_is_admitted(one, pixels, source.zones) for one in found))
                shown = bgr_picture(luma.pixels, luma.chroma, (luma.width, luma.height))
                jpeg = blurred_jpeg(shown, [one.box for one in found])
            if now_s - first_s >= _SECONDS:
                break
    finally:
        live.close()
    if not pictures:
        raise SourceError(f"{describe(source.uri)} opens, but delivers no frame")
    seconds = max(now_s - first_s, 1e-6)
    report = ProbeReport(
        source=describe(source.uri),
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


def _orientation(frame: InputFrame, view: PictureView) -> Orientation:
    return view.orientation(Orientation.from_rotation(frame.image.rotation))


def _size(frame: InputFrame, aspect: Fraction, view: PictureView) -> tuple[int, int]:
    return display_size(frame.image.width, frame.image.height, aspect, _orientation(frame, view))


def _luma(frame: InputFrame, aspect: Fraction, source: ProbedSource) -> Luma:
    """Return the frame as the source's runs read it, turned and masked, and in colour."""
    orientation = _orientation(frame, source.view)
    converter = LumaConverter(
        orientation, aspect, source.max_side, masks=source.view.masks, colour=True
    )
    return converter.convert(frame.image)


def _is_admitted(face: Detection, pixels: Image, zones: Zones) -> bool:
    height, width = pixels.shape
    x, y = face.box.x + face.box.w / 2, face.box.y + face.box.h / 2
    return admits(zones, x / width, y / height)
