"""Throughput: frames per second and latency of a worker, for its heartbeats."""

import time
from bisect import bisect_left
from collections import deque
from typing import Final

from broker.reports import LATENCY_BOUNDS_S

_WINDOW_S: Final = 5.0
_MOST_LATENCIES: Final = 4096


class Throughput:
    """Committed frames per second and latency of live frames, over the last 5 seconds."""

    def __init__(self) -> None:
        self._committed: deque[tuple[float, int]] = deque()
        self._latencies: deque[tuple[float, float]] = deque(maxlen=_MOST_LATENCIES)
        self._latency_counts = [0] * (len(LATENCY_BOUNDS_S) + 1)

    def add_frames(self, frames: int) -> None:
        """Count frames that were committed now."""
        self._committed.append((time.monotonic(), frames))

    def add_latency(self, latency_s: float) -> None:
        """Add the time from capture to commit of one live frame."""
        self._latencies.append((time.monotonic(), latency_s))
        self._latency_counts[bisect_left(LATENCY_BOUNDS_S, latency_s)] += 1

    def frames_per_second(self) -> float:
        """Return the mean over the window."""
        since = time.monotonic() - _WINDOW_S
        while self._committed and self._committed[0][0] < since:
            self._committed.popleft()
        return round(sum(frames for _, frames in self._committed) / _WINDOW_S, 1)

    def latency_p95_s(self) -> float | None:
        """Return the 95th percentile over the window, or None without live frames."""
        since = time.monotonic() - _WINDOW_S
        while self._latencies and self._latencies[0][0] < since:
            self._latencies.popleft()
        ordered = sorted(latency_s for _, latency_s in self._latencies)
        return round(ordered[(len(ordered) * 95 - 1) // 100], 3) if ordered else None

    def latency_counts(self) -> tuple[int, ...]:
        """Return the live frames since the start, counted by LATENCY_BOUNDS_S."""
        return tuple(self._latency_counts)
