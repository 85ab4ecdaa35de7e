"""SourceCondition: the state of a live source, with its reason and start."""

from dataclasses import dataclass

from contracts.live_sources import LiveState


@dataclass(frozen=True, slots=True)
class SourceCondition:
    """The state of a live source.

    since_s: its start, in seconds of the monotonic clock. detail: the cause behind the reason, for
    the log and the command line only (`contracts.errors.SourceError`).
    """

    state: LiveState
    since_s: float
    reason: str = ""
    detail: str = ""
