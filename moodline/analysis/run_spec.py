"""The specification that new runs get from the settings: detector, model and options."""

from typing import TypeVar

from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.errors import ModelError
from contracts.live_sources import LiveSource
from contracts.model_card import ModelCard
from contracts.settings import Settings
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from inference_worker.faces.detectors.choice import chosen_detector_id
from inference_worker.faces.landmarks.task_file import read_task
from inference_worker.faces.model_choice import chosen_model

_Value = TypeVar("_Value", int, bool)


def analysis_spec(
    settings: Settings,
    *,
    max_side: int | None = None,
    pictures: PictureOptions = AS_IN_SETTINGS,
    live: bool = False,
) -> AnalysisSpec:
    """Return the specification of a new run. max_side, pictures: instead of the settings.

    live: its labels are wanted at once, so that no frame after them is waited for. Raises
    ModelError.
    """
    card = ModelCard.read(chosen_model(settings.model), settings.model_head)
    if settings.landmarks:
        read_task(settings.landmarks_path)
    options = AnalysisOptions(
        smoothing_s=settings.smoothing_s,
        uncertain_below=settings.uncertain_below,
        min_face_px=_given(pictures.min_face_px, settings.min_face_px),
        max_frame_side=_given(max_side, settings.max_frame_side),
        rotate=pictures.turn.rotate,
        mirror=pictures.turn.mirror,
        zones=pictures.zones,
        keep_static=_given(pictures.keep_static, settings.keep_static),
        window_s=0.0 if live else settings.window_s,
        landmarks=settings.landmarks,
        hold_s=settings.hold_s,
    )
    return AnalysisSpec(chosen_detector_id(settings), card.version, options)


def card_in_use(settings: Settings) -> ModelCard | None:
    """Return the card of the model for new runs; None if there is no such model."""
    try:
        return ModelCard.read(chosen_model(settings.model), settings.model_head)
    except ModelError:
        return None


def live_spec(settings: Settings, source: LiveSource) -> AnalysisSpec:
    """Return the specification of the next runs of a live source. Raises ModelError."""
    side, pictures = source.max_side, source.pictures
    return analysis_spec(settings, max_side=side, pictures=pictures, live=True)


def _given(value: _Value | None, default: _Value) -> _Value:
    return default if value is None else value
