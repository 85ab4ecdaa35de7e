"""The list of 2,000 recordings: searched, sorted, cut into pages, exported and changed."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, event, select, update

from analytics.audit import audit_entries
from analytics.recordings.listing import (
    RecordingQuery,
    Show,
    SortKey,
    list_recordings,
    matching_run_ids,
)
from analytics.snapshots import in_snapshot, snapshot
from contracts.runs import RunState
from contracts.settings import Settings
from ingest.files.content_hash import read_content
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine, transaction
from records.schema import upgrade
from records.tables.runs import Run
from serving.backend import Backend
from tests.http_client import ask, json_of, post
from tests.pages import serving
from tests.recording_rows import write_recordings
from tests.rows import START, FaceSpec, write_run

COUNT = 2000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("list")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{folder / 'records.db'}")
    upgrade(engine)
    write_recordings(engine, COUNT)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def address(engine: Engine, folder: Path) -> Iterator[str]:
    with with_recordings(engine, folder) as one:
        yield one


@pytest.fixture
def own_address(sqlite_engine: Engine, tmp_path: Path) -> Iterator[str]:
    """A dashboard of a database of its own, for a test that changes what is listed."""
    with with_recordings(sqlite_engine, tmp_path) as one:
        yield one


@contextmanager
def with_recordings(engine: Engine, folder: Path) -> Iterator[str]:
    settings = Settings(home=folder / "home", recording_folders=(folder,))
    library = RecordingLibrary(settings, engine, uploads_of(settings, engine))
    with serving(Backend(engine, settings, recordings=library)) as one:
        yield one


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Yield the statements that are executed within."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def listed(address: str, **asked: object) -> Any:
    return json_of(ask(address, f"/api/recordings/list?{urlencode(asked)}"))


def change(address: str, route: str, **body: object) -> Any:
    return post(address, f"/api/recordings/{route}", "", **body)


@pytest.mark.parametrize("sort", SortKey)
@pytest.mark.parametrize("text", ["", "group B P1"])
def test_a_page_of_2000_takes_three_statements(engine: Engine, sort: SortKey, text: str) -> None:
    query = RecordingQuery(text, sort=sort, offset=50)
    in_snapshot(engine, list_recordings, query)  # The first compiles the statements.
    with counted(engine) as statements, snapshot(engine) as connection:
        page = list_recordings(connection, query)
    assert len([one for one in statements if one.startswith("SELECT")]) == 3
    assert len(page.lines) == 50


def test_the_route_answers_a_search_with_few_statements(engine: Engine, address: str) -> None:
    listed(address)
    for asked in ({}, {"q": "P19"}, {"sort": "name", "order": "asc", "offset": 1950}):
        with counted(engine) as statements:
            found = listed(address, **asked)
        assert found["runs"]
        assert len(statements) <= 8


def test_every_recording_is_on_one_page_in_the_order_that_was_asked_for(engine: Engine) -> None:
    for sort in SortKey:
        for descending in (False, True):
            seen = [
                line.run.run_id
                for offset in range(0, COUNT, 200)
                for line in in_snapshot(
                    engine,
                    list_recordings,
                    RecordingQuery(sort=sort, descending=descending, offset=offset, limit=200),
                ).lines
            ]
            assert len(seen) == len(set(seen)) == COUNT
    by_name = RecordingQuery(sort=SortKey.NAME, descending=False)
    first = in_snapshot(engine, list_recordings, by_name).lines[0]
    assert (first.run.source, first.tags) == ("interviews/P0001.mp4", ("day", "group B"))
    last = RecordingQuery(sort=SortKey.RECORDED, descending=False, offset=COUNT - 1)
    (line,) = in_snapshot(engine, list_recordings, last).lines
    assert line.run.recorded_at is None, "what is not known comes last"


def test_the_words_of_a_search_must_all_be_somewhere(engine: Engine) -> None:
    def total(text: str, show: Show = Show.ALL) -> int:
        page = in_snapshot(engine, list_recordings, RecordingQuery(text, show))
        assert page.all == COUNT
        return page.total

    assert total("p0007") == 1
    assert total("GROUP b") == COUNT // 4
    assert total("260102-0000") == COUNT
    assert total("group p000") == 9
    assert total("P0007 P0008") == 0
    assert total("100%_") == 0, "no wildcard"
    assert total("/srv/interviews/P01") == 100
    states = [total("", show) for show in (Show.DONE, Show.OPEN, Show.FAILED, Show.CANCELLED)]
    assert sum(states) == COUNT
    assert 0 < total("", Show.COPY) < total("", Show.DONE)
    chosen = in_snapshot(engine, matching_run_ids, RecordingQuery("p000", Show.DONE))
    assert len(chosen) == total("p000", Show.DONE)


def test_a_copy_names_its_original(address: str) -> None:
    (line,) = listed(address, show="copy", q="P0010.mp4")["runs"]
    assert (line["copy_of"], line["copy_of_source"]) == (
        "260102-00000001",
        "interviews/P0001.mp4",
    )


def test_what_was_selected_is_exported_with_its_provenance(
    sqlite_engine: Engine, own_address: str
) -> None:
    run_ids = ["exported-1", "exported-2"]
    for run_id in run_ids:
        write_run(sqlite_engine, run_id, {0: [FaceSpec(1, "happy")]}, source=f"{run_id}.mp4")
    chosen = "&".join(f"runs={run_id}" for run_id in run_ids)

    answer = ask(own_address, f"/api/recordings/export/csv?{chosen}")
    rows = list(csv.DictReader(io.StringIO(answer.read().decode())))

    assert 'filename="recordings.csv"' in (answer.getheader("content-disposition") or "")
    assert [row["run_id"] for row in rows] == run_ids
    document = json_of(ask(own_address, f"/api/recordings/export/provenance?{chosen}"))
    assert document["format"] == "moodline-provenance/1"
    assert [one["run_id"] for one in document["runs"]] == run_ids
    (first, _) = document["runs"]
    assert (first["detector"], first["model_version"]) == ("haar-alt2/1", "model@1")
    assert (first["file_sha256"], first["options"]["smoothing_s"]) == ("0" * 64, 0.4)
    entry = in_snapshot(sqlite_engine, audit_entries)[0]
    assert (entry.action, entry.details["recordings"]) == ("exported", 2)


def test_a_search_that_finds_nothing_exports_nothing(address: str) -> None:
    answer = ask(address, "/api/recordings/export/csv?q=no-such-name")
    assert answer.status == 400
    assert "no recording matches" in json.loads(answer.read())["error"]


def test_many_results_are_deleted_with_one_receipt(sqlite_engine: Engine, own_address: str) -> None:
    run_ids = [f"gone-{number}" for number in range(3)]
    for run_id in run_ids:
        write_run(sqlite_engine, run_id, {0: [FaceSpec(1, "sad")]}, source=f"{run_id}.mp4")
    write_run(sqlite_engine, "busy", {}, source="busy.mp4", state=RunState.RUNNING)

    done = json_of(change(own_address, "bulk/delete", runs=[*run_ids, "busy", "unknown"]))

    assert done["done"] == 3
    reasons = {one["run"]: one["error"] for one in done["failed"]}
    assert "has not been analysed yet" in reasons["busy"]
    assert "no run unknown" in reasons["unknown"]
    with snapshot(sqlite_engine) as connection:
        left = set(connection.scalars(select(Run.run_id).where(Run.run_id.in_(run_ids))))
    assert not left
    entry = in_snapshot(sqlite_engine, audit_entries)[0]
    assert (entry.action, entry.details["runs"], entry.details["faces"]) == ("run deleted", 3, 3)


def test_many_recordings_are_cancelled_or_queued_again(
    sqlite_engine: Engine, own_address: str, tmp_path: Path
) -> None:
    write_run(sqlite_engine, "waits", {}, source="waits.mp4", state=RunState.QUEUED)
    write_run(sqlite_engine, "again", {}, source="again.mp4")
    clip = tmp_path / "again.mp4"
    clip.write_bytes(b"a recording")
    with transaction(sqlite_engine) as connection:
        values = {"uri": str(clip), "content_hash": read_content(clip).digest}
        connection.execute(update(Run).where(Run.run_id == "again").values(values))

    assert json_of(change(own_address, "bulk/cancel", runs=["waits"]))["done"] == 1
    done = json_of(change(own_address, "bulk/again", runs=["again", "waits"]))

    assert done["done"] == 1
    assert "no longer on this host" in done["failed"][0]["error"]
    with snapshot(sqlite_engine) as connection:
        states = list(
            connection.scalars(select(Run.state).where(Run.uri == str(clip)).order_by(Run.id))
        )
    assert states == [RunState.DONE, RunState.QUEUED]


def test_the_time_of_a_recording_is_set_from_its_page(
    sqlite_engine: Engine, own_address: str
) -> None:
    write_run(sqlite_engine, "timed", {0: []}, source="timed.mp4")
    answer = change(own_address, "run/timed/time", recorded_at="2026-03-01T10:30:00+01:00")
    assert answer.status == 200
    summary = json_of(ask(own_address, "/api/recordings/run/timed"))["summary"]
    assert summary["recorded_text"] == "set by hand"
    assert summary["recorded_at"] - START.timestamp() == pytest.approx(5_034_355)
    assert change(own_address, "run/timed/time", recorded_at="2026-03-01T10:30:00").status == 422
