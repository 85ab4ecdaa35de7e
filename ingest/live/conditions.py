"""What a live source is doing, why, and when it is tried again. Pure: time is passed in."""

from dataclasses import dataclass
from typing import Final

from contracts.live_sources import LiveState

SEEING: Final = frozenset({LiveState.STREAMING})
"""States in which pictures come."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A state, why, and since when, in the monotonic clock's seconds."""

    state: LiveState
    since_s: float
    reason: str = ""
