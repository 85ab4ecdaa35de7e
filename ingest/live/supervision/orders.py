"""The orders of the supervisor to the template process."""

from dataclasses import dataclass
from typing import Any, Self

from contracts.analysis_spec import AnalysisSpec
from runtime.pipes import PipeMessage


@dataclass(frozen=True, slots=True)
class StartSource(PipeMessage):
    """Start a process that reads the source, unless one is running. spec: of its runs."""

    source: str
    spec: AnalysisSpec

    def to_json(self) -> dict[str, Any]:
        return {"source": self.source, "spec": self.spec.encode()}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        return cls(fields["source"], AnalysisSpec.decode(fields["spec"]))


@dataclass(frozen=True, slots=True)
class StopSource(PipeMessage):
    """Ask the source's process to end."""

    source: str


@dataclass(frozen=True, slots=True)
class KillSource(PipeMessage):
    """Kill the source's process."""

    source: str


Order = StartSource | StopSource | KillSource
