"""Benchmarks: a stage's own time, the newest kept result, and what counts as a loss."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from benchmarks import results
from benchmarks.clips import TABLE, Clip, Footage, make_clips
from benchmarks.fer import library as fer_library
from benchmarks.limit import benchmark as limit
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


def test_the_clips_of_the_table_are_rendered_or_made_from_recordings(tmp_path: Path) -> None:
    kinds = (Clip("one", 96, 54, 1), Clip("four", 128, 72, 4), Clip("none", 96, 64, 0))
    rendered = make_clips(tmp_path, clips=kinds, frames=3)
    footage = Footage(face=rendered[0])
    (filled,) = make_clips(tmp_path, footage, (Clip("tall", 48, 64, 1),), frames=2)

    found = []
    for path in (*rendered, filled):
        with av.open(str(path)) as clip:
            video = clip.streams.video[0]
            found.append((path.stem, video.width, video.height, len(list(clip.decode(video)))))
    assert found == [
        ("one", 96, 54, 3),
        ("four", 128, 72, 3),
        ("none", 96, 64, 3),
        ("tall", 48, 64, 2),
    ]
    assert [footage.suffix(one) for one in kinds] == ["-one", "-one", ""]


def test_each_clip_has_its_target_and_a_loss_of_a_ratio_fails() -> None:
    measured = {"ratio": 7.0, "share": 0.7, "limit_fps": 200.0}
    targets = {one.name: one for one in TABLE}
    for name, least in (("one-face-360p", 6.0), ("one-face-1080p", 20.0)):
        speed, share = fer_library._verdicts(name, measured, targets[name])
        assert (speed.met, share.met) == (least <= 7.0, False)
    assert len(fer_library._verdicts("interview", measured, None)) == 1

    kept = {"at": "2026-11-29", "measured": {"clips": {"one-face-360p": {"ratio": 7.8}}}}
    (loss,) = fer_library._losses({"one-face-360p": measured, "new": measured}, kept)
    assert not loss.met and "7.00, and 7.80 on 2026-11-29" in loss.text


def test_clips_are_compared_with_each_other() -> None:
    fps = {"one-face-360p": 150.0, "one-face-720p": 130.0}
    fps |= {"four-faces-720p": 60.0, "no-face-432p": 460.0}
    assert [one.met for one in fer_library._between_clips(fps)] == [False, True]


def test_large_frames_are_compared_beyond_decoding() -> None:
    def costs(all_ms: float, decode_ms: float) -> dict[int, dict[str, Any]]:
        return {1: {"pipeline": {"cpu_ms": all_ms, "stages": {"decode": decode_ms}}}}

    for all_ms, met in ((9.9, True), (10.1, False)):
        (verdict,) = limit._large_frames(costs(3.0, 0.4), costs(all_ms, 6.0))
        assert verdict.met is met and "1 core: beyond decoding" in verdict.text


def test_the_table_of_the_page_is_replaced_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Speed\n\n<!-- speed -->\n| old |\n<!-- /speed -->\n\nMore.\n")
    one = {
        "fer_fps": 45.25,
        "moodline_fps": 163.4,
        "ratio": 3.61,
        "limit_fps": 180.0,
        "share": 0.908,
    }

    fer_library.write_table(page, "speed", {"one-face-360p": one})

    *_, row, end, _empty, more = page.read_text().splitlines()
    assert row == "| one-face-360p | 45.2 | 163 | 3.6 | 180 | 91% |"
    assert (end, more) == ("<!-- /speed -->", "More.") and "old" not in page.read_text()
    documented = (Path(__file__).parents[2] / "docs" / "performance.md").read_text()
    for mark in ("speed", "speed of recordings"):
        assert f"<!-- {mark} -->\n| clip |" in documented and f"<!-- /{mark} -->" in documented
