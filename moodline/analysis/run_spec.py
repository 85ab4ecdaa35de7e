"""What new runs are pinned to: detector, model, and the settings that change their rows."""

from dataclasses import replace

from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.live_sources import LiveSource
from contracts.model_card import ModelCard
from contracts.settings import Settings
from inference_worker.faces.detect import detector_id
from inference_worker.faces.model_choice import chosen_model


def analysis_options(settings: Settings) -> AnalysisOptions:
    """The settings that change a run's rows."""
    return AnalysisOptions(
        smoothing_s=settings.smoothing_s,
        uncertain_below=settings.uncertain_below,
        min_face_px=settings.min_face_px,
        max_frame_side=settings.max_frame_side,
    )


def model_card(settings: Settings) -> ModelCard:
    """The card of the model that this host is set to. Raises ModelError."""
    return ModelCard.read(chosen_model(settings.model), settings.model_head)


def live_spec(settings: Settings, source: LiveSource) -> AnalysisSpec:
    """What the source's next runs are pinned to. Raises ModelError."""
    options = analysis_options(settings)
    if source.max_side is not None:
        options = replace(options, max_frame_side=source.max_side)
    return AnalysisSpec(detector_id(settings.detector), model_card(settings).version, options)
