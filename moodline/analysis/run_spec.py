"""The specification that new runs get from the settings: detector, model and options."""

from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.live_sources import LiveSource
from contracts.model_card import ModelCard
from contracts.settings import Settings
from contracts.zones.turning import NO_TURN, Turn
from contracts.zones.zone import Zones
from inference_worker.faces.detectors.choice import chosen_detector_id
from inference_worker.faces.model_choice import chosen_model


def analysis_spec(
    settings: Settings,
    *,
    max_side: int | None = None,
    min_face_px: int | None = None,
    turn: Turn = NO_TURN,
    zones: Zones = (),
    live: bool = False,
) -> AnalysisSpec:
    """Return the specification of a new run. max_side, min_face_px: instead of the settings.

    turn, zones: of its pictures. live: its labels are wanted at once, so that no frame after them
    is waited for. Raises ModelError.
    """
    card = ModelCard.read(chosen_model(settings.model), settings.model_head)
    options = AnalysisOptions(
        smoothing_s=settings.smoothing_s,
        uncertain_below=settings.uncertain_below,
        min_face_px=settings.min_face_px if min_face_px is None else min_face_px,
        max_frame_side=settings.max_frame_side if max_side is None else max_side,
        rotate=turn.rotate,
        mirror=turn.mirror,
        zones=zones,
        keep_static=settings.keep_static,
        window_s=0.0 if live else settings.window_s,
    )
    return AnalysisSpec(chosen_detector_id(settings), card.version, options)


def live_spec(settings: Settings, source: LiveSource) -> AnalysisSpec:
    """Return the specification of the next runs of a live source. Raises ModelError."""
    return analysis_spec(
        settings,
        max_side=source.max_side,
        min_face_px=source.min_face_px,
        turn=source.turn,
        zones=source.zones,
        live=True,
    )
