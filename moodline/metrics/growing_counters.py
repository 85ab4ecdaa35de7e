"""GrowingCounters: counters of this process, from totals in the database that may shrink."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_LARGEST_CORRECTION: Final = 600.0
"""The most that a counter waits for a total that shrank to grow again."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class _Counter:
    total: float
    counted: float = 0.0
    owed: float = 0.0


class GrowingCounters(Generic[Key]):
    """Counters that begin at zero with this process, as Prometheus expects, and never shrink.

    A total shrinks a little when earlier rows get another label, and a lot by erasure and
    retention. The first is counted when the total has grown again; after the second, what comes
    counts at once.
    """

    def __init__(self) -> None:
        self._counters: dict[Key, _Counter] = {}

    def update(self, totals: Mapping[Key, float]) -> Mapping[Key, float]:
        """Take the totals of now, and return the counters. Keys that are missing are forgotten."""
        self._counters = {
            key: _counted(self._counters.get(key) or _Counter(total), total)
            for key, total in totals.items()
        }
        return {key: one.counted for key, one in self._counters.items()}


def _counted(before: _Counter, total: float) -> _Counter:
    grown = total - before.total - before.owed
    if grown >= 0:
        return _Counter(total, before.counted + grown)
    return _Counter(total, before.counted, min(-grown, _LARGEST_CORRECTION))
