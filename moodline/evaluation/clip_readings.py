"""The readings of a clip: every frame analysed as a worker does it, without a database."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from contracts.analysis_spec import AnalysisSpec
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters, FrameMessage
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import Classifier
from inference_worker.faces.detectors.detection import Detector
from inference_worker.label_revisions import revisions_of
from ingest.decoding_limits import DecodingLimits
from ingest.files.source import FileSource
from ingest.picture_view import PictureView
from training.scoring.timed import TimedFace

_BATCH: Final = 16


def read_clip(  # noqa: PLR0913  (all but the path by name)
    path: Path,
    *,
    spec: AnalysisSpec,
    detector: Detector,
    classifier: Classifier,
    fps: float | None,
    limits: DecodingLimits,
    on_frames: Callable[[int], None] = lambda _count: None,
) -> list[TimedFace]:
    """Return the faces of a clip in order of time, but for tracks that do not count.

    fps: sampled frames a second; None: every frame. on_frames: called with the number of frames
    that were analysed. Raises SourceError, MemoryError.
    """
    analyzer = RunAnalyzer(detector, classifier, spec.options)
    results: list[FrameResult] = []
    messages = _messages(path, spec, fps, limits)
    while batch := list(islice(messages, _BATCH)):
        results += analyzer.analyze(batch)
        on_frames(len(batch))
    if results:
        last = results[-1]
        results[-1] = replace(last, revisions=last.revisions + analyzer.finish())
    results = list(revisions_of(results).results)
    marks = {face.track_id: face.mark for result in results for face in result.faces}
    for result in results:
        marks |= result.marks
    return [
        _timed(result, face)
        for result in results
        for face in result.faces
        if marks[face.track_id].counts
    ]


def _messages(
    path: Path, spec: AnalysisSpec, fps: float | None, limits: DecodingLimits
) -> Iterator[FrameMessage]:
    view, side = PictureView.of(spec.options), spec.options.max_frame_side
    with FileSource(path, fps=fps, max_side=side, limits=limits, view=view) as source:
        for seq, frame in enumerate(source.frames(), 1):
            yield FrameMessage(
                run_id="clip",
                seq=seq,
                frame_index=frame.frame_index,
                media_time_us=frame.media_time_us,
                captured_at_us=frame.media_time_us,
                width=frame.width,
                height=frame.height,
                display_width=source.info.display_width,
                display_height=source.info.display_height,
                counters=Counters(),
                luma=frame.luma,
                dwell_us=frame.dwell_us,
            )


def _timed(result: FrameResult, face: FaceResult) -> TimedFace:
    return TimedFace(
        time_us=result.media_time_us,
        dwell_us=result.dwell_ms * 1000,
        track_id=face.track_id,
        label=face.smoothed_emotion or UNCERTAIN,
        confidence=face.smoothed_confidence,
        x=face.box.x + face.box.w / 2,
        y=face.box.y + face.box.h / 2,
        best=EXPRESSIONS[face.probabilities.index(face.confidence)],
        best_confidence=face.confidence,
    )
