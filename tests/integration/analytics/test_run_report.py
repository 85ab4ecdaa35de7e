"""Given a run, its report agrees with its summary, before and after retention removed rows."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from analytics.removal.retention import RetentionPeriods, apply_retention
from analytics.runs.reports.report import run_report
from analytics.runs.reports.report_json import report_json
from analytics.runs.reports.report_text import headline
from analytics.runs.run_summary import run_summary
from analytics.snapshots import in_snapshot
from contracts.errors import ExportError, RunNotFoundError
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from dashboard.report.page import report_page
from moodline.commands.recordings.summary import write_summary
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run
from tests.rows import START, FaceSpec, write_run

HAPPY, SAD, UNSURE = FaceSpec(1, "happy"), FaceSpec(2, "sad"), FaceSpec(1, None)


@pytest.mark.both_databases
def test_a_report_adds_up_to_the_summary(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY, SAD] if n % 2 else [UNSURE] for n in range(60)})

    report = in_snapshot(engine, run_report, "r1")

    assert report.summary == in_snapshot(engine, run_summary, "r1")
    for label in (*EXPRESSIONS, UNCERTAIN):
        expected = pytest.approx(report.summary.emotions[label], abs=1e-6)
        assert sum(bucket.emotions.get(label, 0) for bucket in report.buckets) == expected
        assert sum(track.emotions.get(label, 0) for track in report.tracks) == expected
    assert [(one.track_id, one.dominant) for one in report.tracks] == [(1, "happy"), (2, "sad")]
    with pytest.raises(RunNotFoundError):
        in_snapshot(engine, run_report, "unknown")


def test_a_report_has_the_200_longest_tracks_longest_first(engine: Engine) -> None:
    write_run(engine, "r1", {n: [FaceSpec(t, "sad") for t in range(1, 206)] for n in range(3)})
    _lengthen(engine, {7: (100, 200), 205: (0, 200)})

    report = in_snapshot(engine, run_report, "r1")

    assert len(report.tracks) == 200
    assert [one.track_id for one in report.tracks[:3]] == [205, 7, 1]
    assert (report.tracks[1].first_s, report.tracks[1].last_s) == (0.1, 0.2)
    assert json.loads(report_json(report))["tracks_left_out"] == 5
    page = report_page(report)
    assert ">and 185 more<" in page
    assert len(re.findall(r'text-anchor="end">T\d+<', page)) == 20


def test_the_json_report_has_plain_values(engine: Engine) -> None:
    write_run(engine, "r1", {0: [HAPPY], 1: [HAPPY], 2: [SAD]})

    found = json.loads(report_json(in_snapshot(engine, run_report, "r1")))

    assert datetime.fromisoformat(found["summary"]["recorded_at"]) == START
    assert found["summary"]["state"] == "done"
    assert found["timeline"][0]["emotions"] == pytest.approx({"happy": 0.1, "sad": 0.1})
    assert found["tracks"][0]["emotions"] == pytest.approx({"happy": 0.1})
    assert found["headline"].startswith("Most often happy (50 % of 0.2 person-seconds);")


def test_a_summary_lists_the_episodes_of_each_track(engine: Engine, tmp_path: Path) -> None:
    """At ten frames a second: happy from 1 to 2 s, a glance of sad, and uncertain; then sad."""
    neutral = FaceSpec(1, "neutral")
    shown = {"n": neutral, "h": HAPPY, "s": FaceSpec(1, "sad"), "?": UNSURE}
    letters = "n" * 10 + "h" * 10 + "ss" + "?" * 8 + "n" * 10
    frames = {n: [shown[letter]] for n, letter in enumerate(letters)}
    write_run(engine, "r1", frames | {n: [neutral, SAD] for n in range(30, 40)})

    paths = write_summary(engine, "r1", tmp_path)

    (document,) = (json.loads(one.read_text()) for one in paths if one.suffix == ".json")
    found = [
        (one["track"], one["label"], one["begin_s"], one["end_s"]) for one in document["episodes"]
    ]
    assert found == [
        (1, "happy", pytest.approx(0.9), pytest.approx(1.9)),
        (2, "sad", pytest.approx(2.9), pytest.approx(3.9)),
    ], "each frame stands for the tenth of a second before it"
    assert (document["episodes_left_out"], document["episodes_step_s"]) == (0, 0.0)


def test_a_report_states_that_the_rows_were_removed(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY] for n in range(9)})
    with engine.begin() as connection:
        for table in (Face, Frame):
            connection.execute(delete(table))

    report = in_snapshot(engine, run_report, "r1")

    assert "rows of this run were removed" in headline(report)
    assert "9, of which 0 are still kept" in report_page(report)


@pytest.mark.parametrize("frames_too", [False, True])
def test_a_report_after_retention_states_what_is_still_known(
    engine: Engine, *, frames_too: bool
) -> None:
    write_run(engine, "r1", {n: [HAPPY] if n % 2 else [] for n in range(60)})
    now, short = START + timedelta(days=100), timedelta(days=30)
    with engine.begin() as connection:
        connection.execute(update(Run).values(finished_at=START))
    apply_retention(
        engine, RetentionPeriods(short, short if frames_too else None, None, None), now=now
    )

    report = in_snapshot(engine, run_report, "r1")
    assert headline(report) == (
        "Mostly happy (100 % of 3 person-seconds); 0 % uncertain; 98 % of the recording was "
        "analysed; the times of the expressions were removed."
    )
    figures = re.findall(r'<figure class="(\w+)"', report_page(report))
    assert figures == (["totals"] if frames_too else ["coverage", "totals"])


def test_both_summary_files_are_written_completely_or_not_at_all(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(engine, "r1", {n: [HAPPY] for n in range(9)})
    folder = tmp_path / "a folder"
    with pytest.raises(ExportError) as missing:
        write_summary(engine, "r1", folder)
    assert missing.value.hint

    folder.mkdir()
    paths = write_summary(engine, "r1", folder)

    assert paths == [folder / "summary-r1.json", folder / "summary-r1.html"]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert json.loads(paths[0].read_text())["summary"]["run_id"] == "r1"

    paths[1].write_text("the old page")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ExportError, match="No space left") as failed:
        write_summary(engine, "r1", folder)
    assert failed.value.hint
    assert paths[1].read_text() == "the old page"
    assert sorted(folder.iterdir()) == sorted(paths)


def _lengthen(engine: Engine, spans_ms: dict[int, tuple[int, int]]) -> None:
    with engine.begin() as connection:
        for track_id, (first, last) in spans_ms.items():
            connection.execute(
                update(Track)
                .where(Track.track_id == track_id)
                .values(first_media_time_us=first * 1000, last_media_time_us=last * 1000)
            )
