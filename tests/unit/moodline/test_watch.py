"""`moodline watch`: the panels that it draws, and its summary."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from broker.live_view import FaceReading, SourceView
from broker.reports import SourceReport
from contracts.errors import ExportError
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters
from contracts.geometry import Box, HeadPose
from contracts.live_sources import LiveState
from inference_worker.pictures.drawing import blurred_jpeg
from ingest.live.conditions import SourceCondition
from ingest.live.newest_frame import LiveFrame
from moodline.watch.face_map import MAP_SIZE, cell_box, frame_panel
from moodline.watch.registered import ViewTotals, source_panel
from moodline.watch.summary import WatchOptions, print_chart, report_summary

STREAMING = SourceCondition(LiveState.STREAMING, 0.0)


def drawn(renderable: object) -> str:
    console = Console(file=StringIO(), width=100, force_terminal=False)
    console.print(renderable)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def face(label: str | None) -> FaceResult:
    return FaceResult(7, Box(64, 48, 32, 24), (0.7, *[0.05] * 6), "angry", 0.7, label, 0.7, 0.9)


def frame() -> LiveFrame:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    return LiveFrame(1, b"", 128, 96, 128, 96, now, 0.0, Counters())


def result(*faces: FaceResult) -> FrameResult:
    return FrameResult(1, 0, 0, 0, 500, faces)


def test_a_face_is_drawn_with_its_track_expression_and_confidence() -> None:
    shown = drawn(frame_panel(result(face("happy")), frame(), STREAMING, 12.0))
    assert "12 fps" in shown and "track 7: happy 70%" in shown and "quality 0.90" in shown
    assert "┌7" in shown and "└" in shown
    assert "uncertain" in drawn(frame_panel(result(face(None)), frame(), STREAMING, 1.0))
    turned = replace(face("happy"), pose=HeadPose(-4.0, 33.4, 0.0))
    assert "quality 0.90  roll -4° yaw 33° pitch 0°" in drawn(
        frame_panel(result(turned), frame(), STREAMING, 1.0)
    )
    assert "No face" in drawn(frame_panel(result(), frame(), STREAMING, 1.0))


def test_the_panel_of_a_camera_that_is_away_has_the_reason() -> None:
    away = SourceCondition(LiveState.BACKING_OFF, 0.0, "no route")
    assert drawn(frame_panel(None, frame(), away, 1.0)).split("\n")[0] == "backing off  no route"


@pytest.mark.parametrize("box", [Box(-50, -50, 1, 1), Box(1e4, 1e4, 50, 50), Box(0, 0, 128, 96)])
def test_a_box_stays_on_the_map(box: Box) -> None:
    wide, high = MAP_SIZE
    left, top, right, bottom = cell_box(
        FaceResult(7, box, (1.0, *[0.0] * 6), "angry", 1.0, "angry", 1.0, 1.0), frame()
    )
    assert 0 <= left < right < wide and 0 <= top < bottom < high


def view(at_s: float, *labels: str | None) -> SourceView:
    readings = tuple(
        FaceReading(number, 0.1, 0.1, 0.2, 0.2, label, 0.6, (1.0, *[0.0] * 6))
        for number, label in enumerate(labels)
    )
    picture = blurred_jpeg(np.full((48, 64), 90, np.uint8), [])
    return SourceView("door", "r", round(at_s * 1e6), 64, 48, readings, picture)


def test_a_source_is_drawn_with_its_newest_frame_and_faces() -> None:
    report = SourceReport("door", "streaming", "", "", "here", fps=5.0)
    shown = drawn(source_panel("door", view(1.0, "happy"), "streaming", "", report))
    assert "door  streaming  5 fps" in shown and "▀" in shown and "track 0: happy 60%" in shown
    gone = drawn(source_panel("door", None, "dead", "no service reads it", None))
    assert "dead" in gone and "no service reads it" in gone and "No frame" in gone


def test_a_view_counts_until_the_next_view_but_for_a_second_at_most() -> None:
    totals = ViewTotals()
    for at_s, labels in ((0.0, ["happy"]), (0.4, ["happy", None]), (9.0, [])):
        totals.add(view(at_s, *labels))
    assert (totals.views, totals.tracks) == (3, {0, 1})
    assert totals.emotions == pytest.approx({"happy": 1.4, "uncertain": 1.0})


@dataclass
class Printer:
    calls: int = 0

    def __call__(self) -> None:
        self.calls += 1


def test_the_summary_is_written_as_json_and_the_chart_is_still_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, printer = {"emotions": {"happy": 2.0}}, Printer()
    report_summary(summary, WatchOptions(out=tmp_path / "summary.json"), printer)
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert printer.calls == 1 and not capsys.readouterr().out
    report_summary(summary, WatchOptions(as_json=True), printer)
    assert json.loads(capsys.readouterr().out) == summary and printer.calls == 1
    with pytest.raises(ExportError):
        report_summary(summary, WatchOptions(out=tmp_path / "no" / "summary.json"), printer)


def test_the_chart_has_the_longest_bar_first() -> None:
    console = Console(file=StringIO(), width=100)
    print_chart({"sad": 1.0, "happy": 3.0, "uncertain": 0.0}, console)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["happy", "sad", "uncertain"]
    assert lines[0].count("█") == 3 * lines[1].count("█") == 21
