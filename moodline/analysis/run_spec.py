"""The specification that new runs get from the settings: detector, model and options."""

from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.live_sources import LiveSource
from contracts.model_card import ModelCard
from contracts.settings import Settings
from inference_worker.faces.detectors.choice import detector_id
from inference_worker.faces.model_choice import chosen_model


def analysis_spec(settings: Settings, *, max_side: int | None = None) -> AnalysisSpec:
    """Return the specification of a new run. max_side: of its frames, instead of the setting.

    Raises ModelError.
    """
    card = ModelCard.read(chosen_model(settings.model), settings.model_head)
    options = AnalysisOptions(
        smoothing_s=settings.smoothing_s,
        uncertain_below=settings.uncertain_below,
        min_face_px=settings.min_face_px,
        max_frame_side=settings.max_frame_side if max_side is None else max_side,
    )
    return AnalysisSpec(detector_id(settings.detector), card.version, options)


def live_spec(settings: Settings, source: LiveSource) -> AnalysisSpec:
    """Return the specification of the next runs of a live source. Raises ModelError."""
    return analysis_spec(settings, max_side=source.max_side)
