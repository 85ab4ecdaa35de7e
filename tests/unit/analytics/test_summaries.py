"""Summaries, timelines and the page of a run add up to the rows that they were made from."""

import io
import json
import re
from datetime import datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from sqlalchemy import Engine, delete, update

from analytics.removal.retention import Ages, apply_retention
from analytics.runs.report import RunReport, clock, percent, report_json, run_report
from analytics.runs.run_list import list_runs, open_runs, run_lines, run_summaries, run_summary
from analytics.runs.timeline import run_timeline
from analytics.runs.track_timelines import faces_between
from contracts.errors import ExportError, RunNotFoundError
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.runs import RunKind, RunState
from dashboard.report.page import summary_page
from moodline.commands.summary import write_summary
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run
from tests.rows import START, Seen, write_run

HAPPY, SAD, UNSURE = Seen(1, "happy"), Seen(2, "sad"), Seen(1, None)

labels = st.sampled_from([*EXPRESSIONS, None])
scenes = st.dictionaries(
    st.integers(0, 60),
    st.lists(labels, max_size=3).map(lambda many: [Seen(i + 1, e) for i, e in enumerate(many)]),
    min_size=1,
).map(lambda frames: dict(sorted(frames.items())))


def test_a_face_counts_for_its_frames_dwell(engine: Engine) -> None:
    write_run(engine, "r1", {0: [HAPPY], 1: [HAPPY, SAD], 2: [UNSURE], 3: [], 5: [HAPPY]})

    summary = run_summary(engine, "r1")

    seen = {label: s for label, s in summary.emotions.items() if s}
    assert seen == pytest.approx({"happy": 0.3, "sad": 0.1, UNCERTAIN: 0.1})
    assert (summary.frames_analyzed, summary.faces, summary.tracks) == (5, 5, 2)
    assert summary.coverage.analyzed_s == pytest.approx(0.5)
    assert summary.coverage.captured == 7
    assert summary.coverage.dropped == {"corrupt": 2}
    assert summary.coverage.uncertain_share == pytest.approx(0.2)


def test_a_run_without_faces_has_no_uncertain_share(engine: Engine) -> None:
    write_run(engine, "r1", {0: [], 1: []})
    summary = run_summary(engine, "r1")
    assert summary.coverage.uncertain_share is None
    assert sum(summary.emotions.values()) == 0


def test_many_summaries_come_in_the_order_asked_for(engine: Engine) -> None:
    for name in ("b", "a", "c"):
        write_run(engine, name, {0: [HAPPY]}, source=name)
    assert [s.run_id for s in run_summaries(engine, ["c", "a", "b"])] == ["c", "a", "b"]
    with pytest.raises(RunNotFoundError):
        run_summaries(engine, ["a", "nothing"])


def test_runs_are_listed_newest_first(engine: Engine) -> None:
    write_run(engine, "old", {0: []}, source="door")
    write_run(engine, "new", {0: []}, source="window", state=RunState.FAILED)
    assert [run.run_id for run in list_runs(engine)] == ["new", "old"]
    assert [run.run_id for run in list_runs(engine, limit=1)] == ["new"]
    assert [run.run_id for run in list_runs(engine, source="door")] == ["old"]
    assert [run.run_id for run in list_runs(engine, state=RunState.FAILED)] == ["new"]
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.run_id == "new").values(kind="live"))
    newest = list_runs(engine, limit=1, kind=RunKind.FILE)
    assert [run.run_id for run in newest] == ["old"], "live runs take no place in its limit"


def test_open_runs_are_listed_oldest_first_and_named_ones_as_asked_for(engine: Engine) -> None:
    for name, state in (("a", "queued"), ("b", "done"), ("c", "running"), ("d", "queued")):
        write_run(engine, name, {0: []}, state=RunState(state))
    assert [run.run_id for run in open_runs(engine)] == ["a", "c", "d"]
    assert [run.run_id for run in open_runs(engine, limit=2)] == ["a", "c"]
    assert [run.run_id for run in run_lines(engine, ["c", "b"])] == ["c", "b"]
    with pytest.raises(RunNotFoundError, match="nothing"):
        run_lines(engine, ["a", "nothing"])


@given(frames=scenes, buckets=st.integers(1, 40))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_timelines_buckets_add_up_to_the_summary(
    engine: Engine, frames: dict[int, list[Seen]], buckets: int
) -> None:
    run_id = f"r{len(list_runs(engine))}"
    write_run(engine, run_id, frames)

    timeline = run_timeline(engine, run_id, buckets)
    summary = run_summary(engine, run_id)

    assert 1 <= len(timeline) <= buckets
    for label in (*EXPRESSIONS, UNCERTAIN):
        total = sum(bucket.emotions.get(label, 0) for bucket in timeline)
        assert total == pytest.approx(summary.emotions[label], abs=1e-6)
    assert sum(bucket.frames for bucket in timeline) == len(frames)
    assert sum(b.analyzed_s for b in timeline) == pytest.approx(summary.coverage.analyzed_s)
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in pairwise(timeline))


def test_the_faces_of_a_stretch_are_those_whose_time_lies_in_it(engine: Engine) -> None:
    seen = {n: [HAPPY] for n in (*range(3, 9), *range(20, 30))}
    write_run(engine, "r1", seen)
    for since_s, until_s in ((0.0, 9.0), (0.3, 0.6), (0.35, 2.2), (0.9, 2.0), (5.0, 9.0), (0, 0)):
        found = [row[0] for row in faces_between(engine, "r1", since_s, until_s).frames]
        assert found == [n / 10 for n in seen if since_s <= n / 10 < until_s]
    write_run(engine, "empty", {})
    assert faces_between(engine, "empty", 0, 10).frames == []


def test_what_was_not_analysed_is_a_gap(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY] for n in [*range(10), *range(40, 50)]})
    timeline = run_timeline(engine, "r1", 5)
    assert [bucket.is_gap for bucket in timeline] == [False, True, True, False, False]


def test_a_report_adds_up_to_the_summary(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY, SAD] if n % 2 else [UNSURE] for n in range(60)})

    report = run_report(engine, "r1")

    assert report.summary == run_summary(engine, "r1")
    for label in (*EXPRESSIONS, UNCERTAIN):
        expected = pytest.approx(report.summary.emotions[label], abs=1e-6)
        assert sum(bucket.emotions.get(label, 0) for bucket in report.buckets) == expected
        assert sum(track.emotions.get(label, 0) for track in report.tracks) == expected
    assert [(one.track_id, one.dominant) for one in report.tracks] == [(1, "happy"), (2, "sad")]
    with pytest.raises(RunNotFoundError):
        run_report(engine, "nothing")


def test_the_longest_tracks_come_first_and_a_report_has_200_at_most(engine: Engine) -> None:
    write_run(engine, "r1", {n: [Seen(t, "sad") for t in range(1, 206)] for n in range(3)})
    _lengthen(engine, {7: (100, 200), 205: (0, 200)})

    report = run_report(engine, "r1")

    assert len(report.tracks) == 200
    assert [one.track_id for one in report.tracks[:3]] == [205, 7, 1]
    assert (report.tracks[1].first_s, report.tracks[1].last_s) == (0.1, 0.2)
    assert report_json(report)["tracks_left_out"] == 5
    page = summary_page(report)
    assert ">and 185 more<" in page
    assert len(re.findall(r'text-anchor="end">T\d+<', page)) == 20


def test_a_report_is_plain_json(engine: Engine) -> None:
    write_run(engine, "r1", {0: [HAPPY], 1: [HAPPY], 2: [SAD]})

    found = json.loads(json.dumps(report_json(run_report(engine, "r1"))))

    assert datetime.fromisoformat(found["summary"]["recorded_at"]) == START
    assert found["summary"]["state"] == "done"
    assert found["timeline"][0]["emotions"] == pytest.approx({"happy": 0.1, "sad": 0.1})
    assert found["tracks"][0]["emotions"] == pytest.approx({"happy": 0.1})
    assert found["headline"].startswith("Most often happy (50 % of 0.2 person-seconds);")


def test_a_page_stands_alone_and_is_well_formed(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY, SAD, Seen(3, None)][: n % 4] for n in range(60)})

    page = summary_page(run_report(engine, "r1"))
    tree = _tree(page)

    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https:|//|@import|<(script|img|link|iframe)|\son\w+=|\ssrc=", page)
    assert set(re.findall(r"url\((.)", page)) == {"#"}
    assert tree.get("lang") == "en"
    assert [one.tag for one in tree.iter() if re.fullmatch(r"h\d", one.tag)] == ["h1", *["h2"] * 5]
    for figure in tree.iter("figure"):
        (caption,), svgs = figure.findall("figcaption"), list(figure.iter("svg"))
        assert "".join(caption.itertext()).endswith(".")
        assert figure.find("details//table") is not None
        assert any(svg.get("aria-labelledby") == caption.get("id") for svg in svgs)
    assert "moodline reads expressions, not feelings; it identifies nobody." in page


def test_the_name_of_a_source_stays_text(engine: Engine) -> None:
    name = "</title><script>alert('a & b')</script><img src=x onerror=\"alert(1)\">"
    write_run(engine, "r1", {n: [HAPPY] for n in range(9)}, source=name)

    tree = _tree(summary_page(run_report(engine, "r1")))

    assert tree.findtext("body/header/h1") == name
    assert tree.findtext("head/title") == f"{name} · moodline"
    assert not [one for one in tree.iter() if one.tag in {"script", "img"}]


def test_a_gap_is_never_drawn_as_an_expression(engine: Engine) -> None:
    write_run(engine, "r1", {n: [Seen(1, "neutral")] for n in [*range(50), *range(150, 200)]})
    report = run_report(engine, "r1")

    tree = _tree(summary_page(report))
    chart = tree.find(".//figure[@class='expressions']/div/svg")
    assert chart is not None
    bars = [one for one in chart.iter("rect") if "bar" in (one.get("class") or "").split()]
    missing = [one for one in chart.iter("rect") if one.get("class") == "missing"]

    gaps = [bucket for bucket in report.buckets if bucket.is_gap]
    assert gaps and bars
    for gap in gaps:
        middle = 50 * (gap.start_s + gap.end_s) / report.span_s
        assert not [bar for bar in bars if _spans(bar, middle)]
        assert [hatch for hatch in missing if _spans(hatch, middle)]
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    assert len([row for row in rows if row[2:] == ["–"]]) == len(gaps)


def test_an_empty_run_gives_an_honest_page(engine: Engine) -> None:
    write_run(engine, "empty", {n: [] for n in range(100)})
    write_run(engine, "queued", {}, state=RunState.QUEUED)
    write_run(engine, "still", {0: [HAPPY, SAD]}, gap_ms=0)

    empty, queued, still = (
        _lead(run_report(engine, name)) for name in ("empty", "queued", "still")
    )

    assert empty == "No face was found; 99 % of the recording was analysed."
    assert "No frame was analysed" in queued
    assert queued.endswith("The run has not begun.")
    assert still == "2 faces (happy 1, sad 1) at a single moment, which makes no person-seconds."
    for name in ("empty", "queued", "still"):
        tree = _tree(summary_page(run_report(engine, name)))
        drawn = {one.get("class") for one in tree.iter("rect")}
        assert drawn <= {"analysed", "missing", "ground"}


def test_a_run_whose_rows_are_gone_says_so(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY] for n in range(9)})
    with engine.begin() as connection:
        for table in (Face, Frame):
            connection.execute(delete(table))

    report = run_report(engine, "r1")

    assert "no longer kept" in _lead(report)
    assert "9, of which 0 are still kept" in summary_page(report)


@pytest.mark.parametrize("frames_too", [False, True])
def test_a_summary_of_what_retention_left_says_what_is_known(
    engine: Engine, *, frames_too: bool
) -> None:
    write_run(engine, "r1", {n: [HAPPY] if n % 2 else [] for n in range(60)})
    now, short = START + timedelta(days=100), timedelta(days=30)
    with engine.begin() as connection:
        connection.execute(update(Run).values(finished_at=START))
    apply_retention(engine, Ages(short, short if frames_too else None, None, None), now=now)

    report = run_report(engine, "r1")
    tree = _tree(summary_page(report))

    assert _lead(report) == (
        "Mostly happy (100 % of 3 person-seconds); 0 % uncertain; 98 % of the recording was "
        "analysed; when what was shown is no longer kept."
    )
    drawn = [one.get("class") for one in tree.iter("figure")]
    assert drawn == (["totals"] if frames_too else ["coverage", "totals"])


def test_the_two_files_are_written_whole_or_not_at_all(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(engine, "r1", {n: [HAPPY] for n in range(9)})
    folder = tmp_path / "a folder"
    console = Console(file=io.StringIO(), width=20)
    with pytest.raises(ExportError) as missing:
        write_summary(engine, "r1", folder, console)
    assert missing.value.hint

    folder.mkdir()
    write_summary(engine, "r1", folder, console)

    paths = [folder / "summary-r1.json", folder / "summary-r1.html"]
    assert console.file.getvalue().splitlines() == [str(path) for path in paths]  # type: ignore[attr-defined]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert json.loads(paths[0].read_text())["summary"]["run_id"] == "r1"

    paths[1].write_text("the old page")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(ExportError, match="No space left") as failed:
        write_summary(engine, "r1", folder, console)
    assert failed.value.hint
    assert paths[1].read_text() == "the old page"
    assert sorted(folder.iterdir()) == sorted(paths)


def test_numbers_round_neither_something_to_nothing_nor_a_part_to_the_whole() -> None:
    shares = (0, 0.001, 0.62, 0.996, 1)
    assert [percent(one) for one in shares] == ["0 %", "under 1 %", "62 %", "over 99 %", "100 %"]
    assert [clock(59.96, 0.5), clock(59.96), clock(3723)] == ["1:00.0", "1:00", "1:02:03"]


def _lengthen(engine: Engine, spans_ms: dict[int, tuple[int, int]]) -> None:
    with engine.begin() as connection:
        for track_id, (first, last) in spans_ms.items():
            connection.execute(
                update(Track)
                .where(Track.track_id == track_id)
                .values(first_media_time_us=first * 1000, last_media_time_us=last * 1000)
            )


def _tree(page: str) -> ElementTree.Element:
    """The page as a browser and as an XML reader would have it: no tag is left open."""
    parser = _Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _spans(rect: ElementTree.Element, at_percent: float) -> bool:
    x, width = (float((rect.get(name) or "").removesuffix("%")) for name in ("x", "width"))
    return x <= at_percent <= x + width


def _lead(report: RunReport) -> str:
    lead = _tree(summary_page(report)).findtext(".//p[@class='lead']") or ""
    return lead.replace("\u00a0", " ")
