"""Given a selection, an export has each of its rows once, in order, in every format."""

import json
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, update

from analytics.export import exporter
from analytics.export.atomic_files import atomic_file
from analytics.export.columns import COLUMNS
from analytics.export.csv_rows import excel_style
from analytics.export.exporter import PROVENANCE_KEY, export_records
from analytics.export.record_pages import FaceRecord, Record, Selection, record_pages
from contracts.errors import ExportError, RunNotFoundError
from contracts.model_card import ModelCard
from inference_worker.faces.model_choice import shipped_model
from records.database import transaction
from records.tables.runs import Run
from runtime.version import moodline_version
from tests.rows import START, FaceSpec, write_run

POSE = ("roll", "yaw", "pitch")
NAMES = [
    *("source", "run_id", "frame_index", "media_time_s", "captured_at", "track_id"),
    *("x", "y", "w", "h", "emotion", "confidence"),
    *("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    *("smoothed_emotion", "quality", "model_version"),
    *(*POSE, "mark", "zones", "dwell_s"),
    *("rotate", "mirror", "min_face_px", "keep_static", "copy_of"),
    *("eye_openness", "mouth_openness"),
]


ROWS = [
    Record(
        'caf\u00e9 "door", \U0001f600/1\\\n\t\x01\x7f',
        "r1",
        0,
        -1_500_000,
        1_767_323_045_123_456,
        FaceRecord(
            *(1, 10.25, -0.05, 1234.0, 99.95, "happy", 0.76),
            *(0.1, 1 / 3, 1.0, 0.0, 5e-7, 4.9e-7, 0.9999996),
            *("happy", 0.9, -12.34, 0.0, 7.5, "static", 0.25, 1 / 3),
        ),
        "model@1",
        "door",
        40_000,
        (90, 1, 24, 1),
        "260101-first",
    ),
    Record(
        "b",
        "r1",
        3,
        40,
        1_767_323_045_000_000,
        FaceRecord(
            *(2, 0.0, 1e16, 2.675, 1e15, None, 1 / 7),
            *(0.0000015, 1e-16, 2.5e-6, 0.123456789, 0.999999499, 1e-6, 0.5),
            *(None, 0.123456),
        ),
        "model@1",
    ),
    Record("b", "r1", 4, 1_000_001, -1, None, "model@1"),
]
CSV = (
    ",".join(NAMES) + "\n"
    '"caf\u00e9 ""door"", \U0001f600/1\\\n\t\x01\x7f",r1,0,-1.500000,2026-01-02T03:04:05.123456Z,'
    "1,10.2,-0.1,1234.0,100.0,happy,0.760000,"
    "0.100000,0.333333,1.000000,0.000000,0.000000,0.000000,1.000000,happy,0.900000,model@1,-12.3,0.0,7.5,static,door,0.040000,90,1,24,1,260101-first,0.250000,0.333333\n"
    "b,r1,3,0.000040,2026-01-02T03:04:05.000000Z,"
    "2,0.0,10000000000000000.0,2.7,1000000000000000.0,,0.142857,"
    "0.000002,0.000000,0.000003,0.123457,0.999999,0.000001,0.500000,,0.123456,model@1,,,,,,0.000000,0,0,,0,,,\n"
    f"b,r1,4,1.000001,1969-12-31T23:59:59.999999Z{',' * 16},model@1,,,,,,0.000000,0,0,,0,,,\n"
)
JSON_LINES = (
    '{"source":"caf\\u00e9 \\"door\\", \\ud83d\\ude00\\/1\\\\\\n\\t\\u0001\x7f","run_id":"r1",'
    '"frame_index":0,"media_time_s":-1.5,"captured_at":"2026-01-02T03:04:05.123456Z",'
    '"track_id":1,"x":10.25,"y":-0.05,"w":1234.0,"h":99.95,"emotion":"happy","confidence":0.76,'
    '"angry":0.1,"disgust":0.333333,"fear":1.0,"happy":0.0,"sad":0.000001,"surprise":0.0,'
    '"neutral":1.0,"smoothed_emotion":"happy","quality":0.9,"model_version":"model@1",'
    '"roll":-12.34,"yaw":0.0,"pitch":7.5,"mark":"static","zones":"door","dwell_s":0.04,'
    '"rotate":90,"mirror":1,"min_face_px":24,"keep_static":1,"copy_of":"260101-first",'
    '"eye_openness":0.25,"mouth_openness":0.333333}\n'
    '{"source":"b","run_id":"r1",'
    '"frame_index":3,"media_time_s":0.00004,"captured_at":"2026-01-02T03:04:05.000000Z",'
    '"track_id":2,"x":0.0,"y":10000000000000000.0,"w":2.675,"h":1000000000000000.0,'
    '"emotion":null,"confidence":0.142857,'
    '"angry":0.000002,"disgust":1e-16,"fear":0.000002,"happy":0.123457,"sad":0.999999,'
    '"surprise":0.000001,"neutral":0.5,"smoothed_emotion":null,"quality":0.123456,'
    '"model_version":"model@1","roll":null,"yaw":null,"pitch":null,"mark":null,"zones":"","dwell_s":0.0,'
    '"rotate":0,"mirror":0,"min_face_px":null,"keep_static":0,"copy_of":null,"eye_openness":null,'
    '"mouth_openness":null}\n'
    '{"source":"b","run_id":"r1",'
    '"frame_index":4,"media_time_s":1.000001,"captured_at":"1969-12-31T23:59:59.999999Z",'
    '"track_id":null,"x":null,"y":null,"w":null,"h":null,"emotion":null,"confidence":null,'
    '"angry":null,"disgust":null,"fear":null,"happy":null,"sad":null,"surprise":null,'
    '"neutral":null,"smoothed_emotion":null,"quality":null,"model_version":"model@1",'
    '"roll":null,"yaw":null,"pitch":null,"mark":null,"zones":"","dwell_s":0.0,'
    '"rotate":0,"mirror":0,"min_face_px":null,"keep_static":0,"copy_of":null,"eye_openness":null,'
    '"mouth_openness":null}\n'
)
"""CSV and JSON_LINES are what earlier versions, which used pandas, wrote for ROWS, and the columns
that came later."""


@pytest.fixture
def records(engine: Engine) -> Engine:
    """Two runs of two sources: 12 frames and 14 faces, then 3 frames and 2 faces."""
    turned = FaceSpec(1, "happy", pose=(12.5, -30.0, 0.1))
    pairs = {n: [turned, FaceSpec(2, None)] for n in range(0, 14, 2)}
    write_run(engine, "long", pairs | {n: [] for n in range(1, 10, 2)}, source="door")
    write_run(
        engine, "short", {0: [FaceSpec(1, "sad")], 1: [], 2: [FaceSpec(1, "fear")]}, source="a, b"
    )
    return engine


def keys(
    engine: Engine, selection: Selection, page_rows: int = 1000
) -> list[tuple[str, str, int, int | None]]:
    pages = record_pages(engine, selection, page_rows=page_rows)
    return [
        (row.source, row.run_id, row.frame_index, row.face.track_id if row.face else None)
        for page in pages
        for row in page
    ]


@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize(
    "page_rows", [1, 2, pytest.param(3, marks=pytest.mark.both_databases), 5, 100]
)
def test_every_row_comes_once_and_in_order_with_any_page_size(
    records: Engine, page_rows: int, frames: bool
) -> None:
    found = keys(records, Selection(frames=frames), page_rows)

    assert len(found) == len(set(found)) == (22 if frames else 16)
    assert found == sorted(found, key=lambda key: (key[0], key[1], key[2], key[3] or 0))


@pytest.mark.both_databases
def test_a_selection_has_only_the_rows_that_match_it(records: Engine) -> None:
    assert {key[1] for key in keys(records, Selection(run_ids=("short",)))} == {"short"}
    assert {key[1] for key in keys(records, Selection(sources=("door",)))} == {"long"}
    between = Selection(
        run_ids=("long",),
        since=START + timedelta(milliseconds=200),
        until=START + timedelta(milliseconds=400),
    )
    assert {key[2] for key in keys(records, between)} == {2}
    with pytest.raises(RunNotFoundError):
        keys(records, Selection(run_ids=("unknown",)))
    with pytest.raises(ExportError):
        keys(records, Selection(sources=("unknown",)))


@pytest.mark.both_databases
def test_all_formats_have_the_same_rows(records: Engine, tmp_path: Path) -> None:
    names = [column.name for column in COLUMNS]
    assert names == NAMES
    assert list(FaceRecord._fields) == [one.name for one in COLUMNS if one.of_face]
    for suffix in ("csv", "parquet", "jsonl"):
        assert export_records(records, Selection(frames=True), tmp_path / f"a.{suffix}") == 22

    csv = pd.read_csv(tmp_path / "a.csv")
    parquet = pd.read_parquet(tmp_path / "a.parquet")
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]

    assert (tmp_path / "a.csv").read_text().splitlines()[0] == ",".join(NAMES)
    assert list(lines[0]) == NAMES
    assert list(parquet.columns) == [*NAMES, "blendshapes"]
    names = ("source", "frame_index", "media_time_s", "emotion", "happy", "quality", "dwell_s")
    for name in (*names, *POSE):
        expected = list(parquet[name].astype(object).where(parquet[name].notna(), None))
        assert [line[name] for line in lines] == pytest.approx(expected)
        assert list(csv[name].astype(object).where(csv[name].notna(), None)) == pytest.approx(
            expected
        )
    assert list(pd.to_datetime(csv.captured_at)) == list(parquet.captured_at)
    assert lines[0]["captured_at"] == "2026-01-02T03:04:05.000000Z"


@pytest.mark.both_databases
def test_exports_carry_what_made_their_rows(records: Engine, tmp_path: Path) -> None:
    card = ModelCard.read(shipped_model())
    with transaction(records) as connection:
        of_card = update(Run).where(Run.run_id == "long").values(model_version=card.version)
        connection.execute(of_card)
    for suffix in ("csv", "jsonl", "parquet"):
        export_records(records, Selection(frames=True), tmp_path / f"a.{suffix}", card=card)

    beside = json.loads((tmp_path / "a.csv.provenance.json").read_text())
    metadata = pq.read_metadata(tmp_path / "a.parquet").metadata
    inside = json.loads(metadata[PROVENANCE_KEY.encode()])

    assert beside["runs"] == inside["runs"]
    assert (tmp_path / "a.jsonl.provenance.json").exists()
    assert not (tmp_path / "a.parquet.provenance.json").exists()
    assert beside["exported_by"] == f"moodline {moodline_version()}"
    assert (beside["export"]["rows"], beside["export"]["columns"]) == (22, NAMES)
    short, long = beside["runs"]
    assert (short["run_id"], long["run_id"]) == ("short", "long")
    assert (long["model_version"], long["detector"]) == (card.version, "haar-alt2/1")
    assert long["uncertain_below"] == card.uncertain_below
    assert short["uncertain_below"] is None, "the threshold of a card that is not at hand"
    assert long["options"]["smoothing_s"] == 0.4 and long["sampling_fps"] is None
    assert long["file_sha256"] == "0" * 64
    assert long["recorded_at"] == START.isoformat()


def test_missing_values_are_empty(records: Engine, tmp_path: Path) -> None:
    export_records(records, Selection(run_ids=("long",), frames=True), tmp_path / "a.csv")
    rows = pd.read_csv(tmp_path / "a.csv", dtype=str, keep_default_na=False)

    uncertain = rows[(rows.frame_index == "0") & (rows.track_id == "2")].iloc[0]
    assert (uncertain.emotion, uncertain.smoothed_emotion) == ("", "")
    assert uncertain.confidence == "0.760000"
    empty = rows[rows.frame_index == "1"].iloc[0]
    assert (empty.media_time_s, empty.captured_at) == ("0.100000", "2026-01-02T03:04:05.100000Z")
    assert {empty[name] for name in ("track_id", "x", "happy", "emotion", "quality")} == {""}
    assert empty.model_version == "model@1"


def test_a_failed_export_leaves_no_file(
    records: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> object:
        yield next(iter(record_pages(records, Selection(), page_rows=2)))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporter, "record_pages", breaks)
    with pytest.raises(ExportError, match="No space left"):
        export_records(records, Selection(), tmp_path / "a.csv")
    assert not list(tmp_path.glob("*.csv")) and not list(tmp_path.glob(".moodline*"))


def test_an_export_removes_the_temporary_files_of_killed_exports(
    records: Engine, tmp_path: Path
) -> None:
    (tmp_path / ".moodline-part-left").write_bytes(b"half")
    with atomic_file(tmp_path / "another.csv") as part:
        export_records(records, Selection(), tmp_path / "out.csv")
        assert part.exists()
    assert {one.name for one in tmp_path.iterdir()} >= {"another.csv", "out.csv"}
    assert not list(tmp_path.glob(".moodline-*"))


@pytest.mark.parametrize("name", ["a.xlsx", "a", "nowhere/a.csv"])
def test_a_path_that_cannot_be_written_is_rejected(
    records: Engine, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ExportError):
        export_records(records, Selection(), tmp_path / name)


def test_text_formats_are_byte_identical_to_those_of_earlier_versions(
    records: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "record_pages", lambda *_: iter([ROWS[:2], ROWS[2:]]))
    for suffix, expected in (("csv", CSV), ("jsonl", JSON_LINES)):
        assert export_records(records, Selection(), tmp_path / f"a.{suffix}") == 3
        assert (tmp_path / f"a.{suffix}").read_bytes() == expected.encode()


@pytest.mark.parametrize(("locale", "mark", "cells"), [("de", ",", ";"), ("en", ".", ",")])
def test_excel_reads_the_numbers_times_and_letters_of_an_export(  # noqa: PLR0917
    locale: str,
    mark: str,
    cells: str,
    sqlite_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(exporter, "record_pages", lambda *_: iter([ROWS]))
    monkeypatch.setattr("locale.setlocale", lambda *_: locale)
    monkeypatch.setattr("locale.localeconv", lambda: {"decimal_point": mark})
    out = tmp_path / "rows.csv"
    export_records(sqlite_engine, Selection(), out, style=excel_style())

    assert out.read_bytes().startswith(b"\xef\xbb\xbfsource" + cells.encode())
    first, _, empty = pd.read_csv(
        out, encoding="utf-8-sig", sep=cells, decimal=mark, dtype={"source": str}
    ).to_dict("records")
    assert first["source"].startswith('caf\u00e9 "door"')
    assert (first["media_time_s"], first["confidence"], first["roll"]) == (-1.5, 0.76, -12.3)
    assert first["captured_at"] == f"2026-01-02 03:04:05{mark}123"
    assert (first["dwell_s"], empty["frame_index"]) == (0.04, 4)
