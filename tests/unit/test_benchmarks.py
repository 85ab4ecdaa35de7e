"""Benchmarks: a stage's own time, the newest kept result, and what counts as a loss."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.limit.chart import write_chart
from benchmarks.limit.stages import STAGES, StageClock


def test_a_ratio_may_fall_by_a_tenth_of_the_newest_kept_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    assert results.kept_result("limit") is None
    for day, ratio in (("2026-11-09", 5.0), ("2026-11-28", 8.0)):
        kept = {"at": day, "measured": {"ratio": ratio}}
        (tmp_path / f"{day}-limit.json").write_text(json.dumps(kept))
    (tmp_path / "2026-11-29-limit-clip.json").write_text("{}")

    newest = results.kept_result("limit")

    assert newest is not None and newest["measured"]["ratio"] == 8.0
    assert results.not_lost("speed", 7.2, 8.0, newest["at"]).met
    assert not results.not_lost("speed", 7.1, 8.0, newest["at"]).met


def test_a_stage_has_its_own_time_without_that_of_the_stages_it_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "thread_time", lambda: now)

    def work(seconds: float) -> None:
        nonlocal now
        now += seconds

    clock = StageClock()
    inner = clock.timed("commit", lambda: work(2))

    def whole() -> None:
        work(1)
        inner()
        inner()

    def pictures() -> Iterator[int]:
        for number in range(3):
            work(10)
            yield number

    clock.timed("follow", whole)()
    for _ in clock.timed("decode", pictures)():
        work(100)  # What is done between two pictures is not decoding.

    assert clock.seconds == {"follow": 1, "commit": 4, "decode": 30}


def test_the_chart_has_a_bar_of_each_stage_for_limit_and_pipeline(tmp_path: Path) -> None:
    found = {"fps": 100.0, "stages": dict.fromkeys(STAGES, 1.0)}
    write_chart(tmp_path / "limit.svg", {"a<b": {1: {"limit": found, "pipeline": found}}})
    chart = (tmp_path / "limit.svg").read_text()
    assert chart.count("<title>classify: 1.00 ms</title>") == 2
    assert "a&lt;b, limit" in chart and "10.0 ms, 100/s" in chart
