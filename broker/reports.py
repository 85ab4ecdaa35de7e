"""The heartbeat reports of workers, sources and services, as JSON of bounded values."""

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar, Final, Self, cast

from pydantic import Field, TypeAdapter

LATENCY_BOUNDS_S: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 10.0)
LONGEST_REPORT: Final = 16 * 1024
LONGEST_REASON: Final = 500
MAX_REPORTED_RUNS: Final = 512

_Name = Annotated[str, Field(max_length=256)]
_Reason = Annotated[str, Field(max_length=LONGEST_REASON)]
_Time = Annotated[str, Field(max_length=40)]
_Count = Annotated[int, Field(ge=0, lt=2**53)]
_Measure = Annotated[float, Field(ge=0.0, le=1e12)]
_RunIds = Annotated[
    tuple[Annotated[str, Field(max_length=24)], ...], Field(max_length=MAX_REPORTED_RUNS)
]
_Counts = Annotated[tuple[_Count, ...], Field(max_length=len(LATENCY_BOUNDS_S) + 1)]


MAX_REFUSALS: Final = 5
"""Most reasons in a worker's report; there are hardly more detectors and models."""


@dataclass(frozen=True, slots=True)
class Report:
    """The part that all heartbeat reports have in common. id: unique in its registry."""

    id: _Name

    REGISTRY: ClassVar[str]

    def encode(self) -> bytes:
        """Return the report as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the report in `data`, without fields that another version added.

        Raises ValueError if a field is missing, of another type or out of bounds.
        """
        return cast("Self", _ADAPTERS[cls].validate_json(data, strict=True))


@dataclass(frozen=True, slots=True)
class WorkerReport(Report):
    """A worker's heartbeat.

    runs: ids of the runs that it holds. fps: recently committed frames per second. lag: frames of
    its runs that wait in the broker. latency_p95_s: recent 95th percentile of capture to commit of
    live frames. latency_counts: histogram of that latency since the worker's start; one count for
    each of LATENCY_BOUNDS_S (above the bound before, up to this one), and one beyond the last.
    refusals: why it cannot analyse some open runs, such as a detector that its host does not have.
    lacks: the "MODEL DETECTOR" of these runs.
    """

    host: _Name
    pid: _Count
    device: _Name
    model: _Name
    runs: _RunIds = ()
    fps: _Measure = 0.0
    lag: _Count = 0
    latency_p95_s: _Measure | None = None
    latency_counts: _Counts = ()
    refusals: Annotated[tuple[_Reason, ...], Field(max_length=MAX_REFUSALS)] = ()
    lacks: Annotated[tuple[_Reason, ...], Field(max_length=MAX_REFUSALS)] = ()

    REGISTRY: ClassVar[str] = "workers"


@dataclass(frozen=True, slots=True)
class SourceReport(Report):
    """A supervisor's heartbeat for a live source.

    id: the source's name. state, reason, since: a LiveState, why, and since when (ISO 8601, UTC).
    host: the supervisor's. fps: frames that recently arrived per second. last_frame_age_s: None
    before the first frame.
    """

    state: _Name
    reason: _Reason
    since: _Time
    host: _Name
    run_id: _Name = ""
    fps: _Measure = 0.0
    last_frame_age_s: _Measure | None = None

    REGISTRY: ClassVar[str] = "sources"


@dataclass(frozen=True, slots=True)
class ServiceReport(Report):
    """A service's heartbeat.

    service: ingest, scheduler or dashboard. state: running, standby (another instance is active)
    or trouble. reason, since: why it is in that state, and since when (ISO 8601, UTC).
    """

    service: _Name
    host: _Name
    pid: _Count
    state: _Name
    reason: _Reason
    since: _Time

    REGISTRY: ClassVar[str] = "services"


_ADAPTERS: Final[dict[type[Report], TypeAdapter[Any]]] = {
    kind: TypeAdapter(kind) for kind in (WorkerReport, SourceReport, ServiceReport)
}
