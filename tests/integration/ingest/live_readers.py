"""Helpers for tests that read live streams from servers."""

import threading
import time
from collections.abc import Callable

from contracts.live_sources import LiveState
from ingest.live.reader import LiveReader

LONG_S = 120.0


def until(condition: Callable[[], bool]) -> None:
    pause, deadline = threading.Event(), time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        pause.wait(0.01)


def wait_for_frames(reader: LiveReader) -> None:
    until(lambda: reader.condition.state is LiveState.STREAMING)
    before = reader.counters().captured
    until(lambda: reader.counters().captured > before)


def assert_balanced(reader: LiveReader, taken: int) -> None:
    counters = reader.counters()
    assert counters.captured == (taken + counters.sampled_out + sum(counters.dropped.values()))
