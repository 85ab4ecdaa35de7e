"""Heartbeats: everything that is alive now, by its reports in the broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # A command that finds no broker does not need redis.
    from broker.reports import ServiceReport, SourceReport, WorkerReport


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """The newest reports of living processes. waiting: frames in the broker by run id."""

    workers: "Sequence[WorkerReport]" = ()
    services: "Sequence[ServiceReport]" = ()
    sources: "Sequence[SourceReport]" = ()
    waiting: Mapping[str, int] = field(default_factory=dict)

    @property
    def held_runs(self) -> frozenset[str]:
        """The runs that living workers hold."""
        return frozenset(run for one in self.workers for run in one.runs)
