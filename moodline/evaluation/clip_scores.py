"""Scores of labelled clips, each alone and all together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from contracts.settings import Settings
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import chosen_detector
from inference_worker.faces.model_choice import chosen_model
from ingest.decoding_limits import DecodingLimits
from moodline.analysis.run_spec import analysis_spec
from moodline.evaluation.clip_readings import read_clip
from moodline.terminal.output import Screen
from runtime.decoding.memory_limit import limited_memory
from training.scoring.timed import ClipEvidence, ClipScore, LabelledInterval


@dataclass(frozen=True, slots=True)
class ClipScores:
    """model, detector: as runs are pinned to them. clips: by file name."""

    model: str
    detector: str
    clips: dict[str, ClipScore]
    together: ClipScore


def score_clips(
    settings: Settings, clips: Mapping[Path, Sequence[LabelledInterval]], fps: float | None
) -> ClipScores:
    """Analyse the clips with the detector, model and options of new runs, and score them.

    Raises ModelError, SourceError, MemoryError.
    """
    spec = analysis_spec(settings)
    detector = chosen_detector(settings)
    classifier = LiteRTClassifier(chosen_model(settings.model), settings.model_head)
    limits = DecodingLimits(settings.max_source_megapixels)
    scores, together = {}, ClipEvidence()
    with Progress(console=Screen(stderr=True), transient=True) as progress:
        for clip, intervals in clips.items():
            task = progress.add_task(clip.name, total=None)
            with limited_memory(settings.decoder_memory_mb):
                faces = read_clip(
                    clip,
                    spec=spec,
                    detector=detector,
                    classifier=classifier,
                    fps=fps,
                    limits=limits,
                    on_frames=lambda count, task=task: progress.advance(task, count),  # type: ignore[misc]
                )
            alone = ClipEvidence()
            for evidence in (alone, together):
                evidence.add(str(clip), faces, intervals)
            scores[clip.name] = alone.score()
            progress.remove_task(task)
    return ClipScores(spec.model_version, spec.detector, scores, together.score())
