"""What `moodline watch` draws, and what it says at its end."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from broker.live_view import Reading, View
from broker.presence import SourceReport
from contracts.errors import ExportError
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters
from contracts.geometry import Box
from contracts.live_sources import LiveState
from inference_worker.pictures.drawing import blurred_jpeg
from ingest.live.conditions import Condition
from ingest.live.reader import LiveFrame
from moodline.watch import registered as watch_source
from moodline.watch import unregistered as watch
from moodline.watch.summary import WatchOptions, print_chart, tell

STREAMING = Condition(LiveState.STREAMING, 0.0)


def drawn(what: object) -> str:
    console = Console(file=StringIO(), width=100, force_terminal=False)
    console.print(what)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def face(label: str | None) -> FaceResult:
    return FaceResult(7, Box(64, 48, 32, 24), (0.7, *[0.05] * 6), "angry", 0.7, label, 0.7, 0.9)


def frame() -> LiveFrame:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    return LiveFrame(1, b"", 128, 96, 128, 96, now, 0.0, Counters())


def result(*faces: FaceResult) -> FrameResult:
    return FrameResult(1, 0, 0, 0, 500, faces)


def test_a_face_is_drawn_with_its_track_expression_and_certainty() -> None:
    shown = drawn(watch._panel(result(face("happy")), frame(), STREAMING, 12.0))
    assert "12 fps" in shown and "track 7: happy 70%" in shown and "quality 0.90" in shown
    assert "┌7" in shown and "└" in shown
    assert "uncertain" in drawn(watch._panel(result(face(None)), frame(), STREAMING, 1.0))
    assert "No face" in drawn(watch._panel(result(), frame(), STREAMING, 1.0))


def test_a_camera_that_is_away_says_why() -> None:
    away = Condition(LiveState.BACKING_OFF, 0.0, "no route")
    assert drawn(watch._panel(None, frame(), away, 1.0)).split("\n")[0] == "backing off  no route"


@pytest.mark.parametrize("box", [Box(-50, -50, 1, 1), Box(1e4, 1e4, 50, 50), Box(0, 0, 128, 96)])
def test_a_box_stays_on_the_map(box: Box) -> None:
    wide, high = watch._MAP_SIZE
    left, top, right, bottom = watch._cells_of(
        FaceResult(7, box, (1.0, *[0.0] * 6), "angry", 1.0, "angry", 1.0, 1.0), frame()
    )
    assert 0 <= left < right < wide and 0 <= top < bottom < high


def view(at_s: float, *labels: str | None) -> View:
    readings = tuple(
        Reading(number, 0.1, 0.1, 0.2, 0.2, label, 0.6, (1.0, *[0.0] * 6))
        for number, label in enumerate(labels)
    )
    picture = blurred_jpeg(np.full((48, 64), 90, np.uint8), [])
    return View("door", "r", round(at_s * 1e6), 64, 48, readings, picture)


def test_a_source_that_is_read_is_drawn_with_its_readings() -> None:
    report = SourceReport("door", "streaming", "", "", "here", fps=5.0)
    shown = drawn(watch_source._panel("door", view(1.0, "happy"), "streaming", "", report))
    assert "door  streaming  5 fps" in shown and "▀" in shown and "track 0: happy 60%" in shown
    gone = drawn(watch_source._panel("door", None, "dead", "nobody watches over it", None))
    assert "dead" in gone and "nobody watches" in gone and "No picture" in gone


def test_person_seconds_of_views_end_with_the_next_view_or_a_second() -> None:
    seen = watch_source._Seen()
    for at_s, labels in ((0.0, ["happy"]), (0.4, ["happy", None]), (9.0, [])):
        seen.add(view(at_s, *labels))
    assert (seen.views, seen.tracks) == (3, {0, 1})
    assert seen.emotions == pytest.approx({"happy": 1.4, "uncertain": 1.0})


@dataclass
class Drawn:
    charts: int = 0

    def chart(self) -> None:
        self.charts += 1


def test_the_summary_is_written_as_json_beside_the_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, seen = {"emotions": {"happy": 2.0}}, Drawn()
    tell(summary, WatchOptions(out=tmp_path / "said.json"), seen.chart)
    assert json.loads((tmp_path / "said.json").read_text()) == summary
    assert seen.charts == 1 and not capsys.readouterr().out
    tell(summary, WatchOptions(as_json=True), seen.chart)
    assert json.loads(capsys.readouterr().out) == summary and seen.charts == 1
    with pytest.raises(ExportError):
        tell(summary, WatchOptions(out=tmp_path / "no" / "said.json"), seen.chart)


def test_the_chart_has_the_longest_first() -> None:
    console = Console(file=StringIO(), width=100)
    print_chart({"sad": 1.0, "happy": 3.0, "uncertain": 0.0}, console)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["happy", "sad", "uncertain"]
    assert lines[0].count("█") == 3 * lines[1].count("█") == 21
