"""What a run is pinned to: detector, model and the options that change its rows."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """What changes the rows of a run besides its pictures; pinned when it is enqueued."""

    smoothing_s: float
    uncertain_below: float | None
    min_face_px: int
    max_frame_side: int


@dataclass(frozen=True, slots=True)
class AnalysisSpec:
    """What the runs of a live source are pinned to at their start."""

    detector: str
    model_version: str
    options: AnalysisOptions

    def encode(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, line: str) -> Self:
        """What `encode` wrote."""
        values: dict[str, Any] = json.loads(line)
        return cls(
            values["detector"], values["model_version"], AnalysisOptions(**values["options"])
        )
