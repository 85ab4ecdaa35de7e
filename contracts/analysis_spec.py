"""AnalysisSpec: the detector, model and options of a run, fixed when the run is created."""

from dataclasses import dataclass

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """The options that change the rows of a run.

    smoothing_s: time constant of the smoothing of a track. uncertain_below: confidence below which
    a face is uncertain; None: the model card's. min_face_px: shortest side of a face to detect,
    pixels of the source. max_frame_side: longest side of an analysed frame, pixels.
    """

    smoothing_s: float
    uncertain_below: float | None
    min_face_px: int
    max_frame_side: int


@dataclass(frozen=True, slots=True)
class AnalysisSpec:
    """The analysis of a run. model_version: as `ModelCard.version` returns it."""

    detector: str
    model_version: str
    options: AnalysisOptions

    def encode(self) -> str:
        """Return one line of JSON."""
        return _CODEC.dump_json(self).decode()

    @staticmethod
    def decode(line: str) -> "AnalysisSpec":
        """Return the spec in a line of `encode`. Raises ValueError."""
        return _CODEC.validate_json(line)


_CODEC = TypeAdapter(AnalysisSpec)
