"""Every selected row, once, in order, in every format; whole or not at all."""

import json
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from analytics.export import exporter as export
from analytics.export.atomic_files import written_whole
from analytics.export.columns import COLUMNS
from analytics.export.exporter import export_records
from analytics.export.record_pages import Selection, record_pages
from contracts.errors import ExportError, RunNotFoundError
from tests.rows import START, Seen, write_run

NAMES = [
    *("source", "run_id", "frame_index", "media_time_s", "captured_at", "track_id"),
    *("x", "y", "w", "h", "emotion", "confidence"),
    *("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    *("smoothed_emotion", "quality", "model_version"),
]
KEY = [NAMES.index(name) for name in ("source", "run_id", "frame_index", "track_id")]


@pytest.fixture
def records(engine: Engine) -> Engine:
    """Two runs of two sources: 12 frames and 14 faces, then 3 frames and 2 faces."""
    pairs = {n: [Seen(1, "happy"), Seen(2, None)] for n in range(0, 14, 2)}
    write_run(engine, "long", pairs | {n: [] for n in range(1, 10, 2)}, source="door")
    write_run(engine, "short", {0: [Seen(1, "sad")], 1: [], 2: [Seen(1, "fear")]}, source="a, b")
    return engine


def keys(engine: Engine, selection: Selection, page_rows: int = 1000) -> list[tuple[object, ...]]:
    pages = record_pages(engine, selection, page_rows=page_rows)
    return [tuple(row[i] for i in KEY) for page in pages for row in page]


@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("page_rows", [1, 2, 3, 5, 100])
def test_every_row_comes_once_and_in_order_on_any_page_size(
    records: Engine, page_rows: int, frames: bool
) -> None:
    found = keys(records, Selection(frames=frames), page_rows)

    assert len(found) == len(set(found)) == (22 if frames else 16)
    assert found == sorted(found, key=lambda key: (key[0], key[1], key[2], key[3] or 0))


def test_a_selection_takes_what_it_names(records: Engine) -> None:
    assert {key[1] for key in keys(records, Selection(run_ids=("short",)))} == {"short"}
    assert {key[1] for key in keys(records, Selection(sources=("door",)))} == {"long"}
    between = Selection(
        run_ids=("long",),
        since=START + timedelta(milliseconds=200),
        until=START + timedelta(milliseconds=400),
    )
    assert {key[2] for key in keys(records, between)} == {2}
    with pytest.raises(RunNotFoundError):
        keys(records, Selection(run_ids=("nothing",)))
    with pytest.raises(ExportError):
        keys(records, Selection(sources=("nobody",)))


def test_the_formats_hold_the_same_rows(records: Engine, tmp_path: Path) -> None:
    assert [column.name for column in COLUMNS] == NAMES
    for suffix in ("csv", "parquet", "jsonl"):
        assert export_records(records, Selection(frames=True), tmp_path / f"a.{suffix}") == 22

    csv = pd.read_csv(tmp_path / "a.csv")
    parquet = pd.read_parquet(tmp_path / "a.parquet")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]

    assert (tmp_path / "a.csv").read_text().splitlines()[0] == ",".join(NAMES)
    assert list(parquet.columns) == list(lines[0]) == NAMES
    for name in ("source", "frame_index", "media_time_s", "emotion", "happy", "quality"):
        expected = list(parquet[name].astype(object).where(parquet[name].notna(), None))
        assert [line[name] for line in lines] == pytest.approx(expected)
        assert list(csv[name].astype(object).where(csv[name].notna(), None)) == pytest.approx(
            expected
        )
    assert list(pd.to_datetime(csv.captured_at)) == list(parquet.captured_at)
    assert lines[0]["captured_at"] == "2026-01-02T03:04:05.000000Z"


def test_uncertain_is_empty_and_a_frame_without_faces_has_only_its_time(
    records: Engine, tmp_path: Path
) -> None:
    export_records(records, Selection(run_ids=("long",), frames=True), tmp_path / "a.csv")
    rows = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)

    uncertain = rows[(rows.frame_index == "0") & (rows.track_id == "2")].iloc[0]
    assert (uncertain.emotion, uncertain.smoothed_emotion) == ("", "")
    assert uncertain.confidence == "0.760000"
    empty = rows[rows.frame_index == "1"].iloc[0]
    assert (empty.media_time_s, empty.captured_at) == ("0.100000", "2026-01-02T03:04:05.100000Z")
    assert {empty[name] for name in ("track_id", "x", "happy", "emotion", "quality")} == {""}
    assert empty.model_version == "model@1"


def test_an_export_that_fails_leaves_nothing_under_its_name(
    records: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> object:
        yield next(iter(record_pages(records, Selection(), page_rows=2)))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "record_pages", breaks)
    with pytest.raises(ExportError, match="No space left"):
        export_records(records, Selection(), tmp_path / "a.csv")
    assert not list(tmp_path.glob("*.csv")) and not list(tmp_path.glob(".moodline*"))


def test_what_a_killed_export_left_goes_with_the_next_one(records: Engine, tmp_path: Path) -> None:
    (tmp_path / ".moodline-part-left").write_bytes(b"half")
    with written_whole(tmp_path / "another.csv") as part:
        export_records(records, Selection(), tmp_path / "out.csv")
        assert part.exists()
    assert {one.name for one in tmp_path.iterdir()} >= {"another.csv", "out.csv"}
    assert not list(tmp_path.glob(".moodline-*"))


@pytest.mark.parametrize("name", ["a.xlsx", "a", "nowhere/a.csv"])
def test_what_cannot_be_written_is_refused(records: Engine, tmp_path: Path, name: str) -> None:
    with pytest.raises(ExportError):
        export_records(records, Selection(), tmp_path / name)
