"""Erased data in the files of moodline: after the receipt, its bytes are in none of them."""

import shutil
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from analytics.audit import audit_entries
from analytics.removal import receipts
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from analytics.removal.traces import remove_traces, rewrite_if_due
from analytics.snapshots import in_snapshot
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.adapters.recording_files import annotated_path, uploads_of
from moodline.services.scheduled_jobs import scheduled_jobs
from records.audit_actions import Action
from records.database import open_engine, transaction
from records.tables.faces import Face
from records.tables.runs import Run
from tests.e2e.commands import Installation
from tests.rows import FaceSpec, write_run

PLANTED_PATH = "/videos/planted-4f1c9a7e.mp4"
PLANTED_FILM = b"planted film 4f1c9a7e"
PLANTED_X = 1234.567891234
"""A position of a face, as no other row has it."""
PLANTED = (b"planted-4f1c9a7e", PLANTED_FILM, struct.pack(">d", PLANTED_X))
FRAMES = 400


@pytest.fixture
def home(tmp_path: Path, sqlite_with_schema: Path) -> Path:
    """A home with a database that has the newest schema."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copyfile(sqlite_with_schema, home / "moodline.db")
    return home


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    """An engine that stays open, as that of a dashboard, so that the log is not removed."""
    engine = open_engine(f"sqlite:///{home / 'moodline.db'}")
    _write(engine, "kept", "hall")
    _write(engine, "gone", "door")
    with transaction(engine) as connection:
        run_pk = connection.execute(select(Run.id).where(Run.run_id == "gone")).scalar_one()
        connection.execute(update(Run).where(Run.id == run_pk).values(uri=PLANTED_PATH))
        connection.execute(update(Face).where(Face.run_pk == run_pk).values(x=PLANTED_X))
    yield engine
    engine.dispose()


def _write(engine: Engine, run_id: str, source: str) -> None:
    faces = {n: [FaceSpec(1, "happy")] for n in range(FRAMES)}
    run_pk = write_run(engine, run_id, faces, source=source)
    with transaction(engine) as connection:
        # Other runs of the same content would be named in the receipt.
        connection.execute(update(Run).where(Run.id == run_pk).values(content_hash=source * 16))


def plant_files(home: Path, engine: Engine) -> list[Path]:
    """An upload and an annotated copy of the run."""
    settings = Settings(home=home)
    uploads = uploads_of(settings, engine)
    sent = uploads.start("planted-4f1c9a7e.mp4", len(PLANTED_FILM), "mark", "me")
    uploads.append(sent.id, 0, PLANTED_FILM)
    uploads.set_result(sent.id, "gone", "")
    copy = annotated_path(settings, "gone")
    copy.parent.mkdir(parents=True)
    copy.write_bytes(PLANTED_FILM)
    return [sent.path, copy]


def places_of(home: Path) -> list[str]:
    """The files of the home that hold planted bytes, and how many of the values."""
    files = [one for one in home.rglob("*") if one.is_file()]
    found = {one.name: sum(value in one.read_bytes() for value in PLANTED) for one in files}
    return [f"{name}: {count}" for name, count in found.items() if count]


@pytest.mark.parametrize(
    "words", [("erase", "--source", "door", "--yes"), ("runs", "delete", "gone")]
)
def test_erased_bytes_are_in_no_file_when_the_command_ends(
    home: Path, engine: Engine, words: tuple[str, ...]
) -> None:
    """Given a dashboard that runs, after `erase` or `runs delete` no file has the bytes."""
    planted = plant_files(home, engine)
    assert places_of(home)
    done = Installation(home).run(*words)
    assert done.returncode == 0, done.stderr
    assert "may remain" not in done.stdout
    assert not places_of(home)
    assert not any(one.exists() for one in planted)
    entry = in_snapshot(engine, audit_entries)[0]
    assert entry.action == (Action.ERASED if words[0] == "erase" else Action.RUN_DELETED)
    assert (entry.details["frames"], entry.details["remains"]) == (FRAMES, "")


def test_a_reader_of_the_old_state_is_named_in_the_receipt(
    home: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a process that still reads what was erased, the receipt says where it may remain."""
    monkeypatch.setattr(receipts, "remove_traces", partial(remove_traces, longest_wait_s=0))
    with engine.connect().execution_options(read_only=True) as reader:
        reader.execute(select(Run.id)).all()
        receipt = erase(engine, ErasureScope(source="door"), actor="test")
    assert "write-ahead log" in receipt.remains
    assert in_snapshot(engine, audit_entries)[0].details["remains"] == receipt.remains
    assert remove_traces(engine) == ""
    assert not places_of(home)


def test_a_reader_that_ends_in_time_is_waited_for(home: Path, engine: Engine) -> None:
    reader = engine.connect().execution_options(read_only=True)
    reader.execute(select(Run.id)).all()
    erase_rows = partial(erase, engine, ErasureScope(source="door"), actor="test")
    pauses = []

    def end_reader(pause_s: float) -> None:
        pauses.append(pause_s)
        reader.close()

    receipts_traces = partial(remove_traces, pause=end_reader)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(receipts, "remove_traces", receipts_traces)
        receipt = erase_rows()
    assert receipt.remains == "" and len(pauses) == 1
    assert not places_of(home)


def test_a_copy_that_cannot_be_deleted_is_named_in_the_receipt(engine: Engine) -> None:
    def fail(_receipt: receipts.Receipt) -> None:
        raise PermissionError(13, "Permission denied", "/videos/copy.mp4")

    receipt = erase(engine, ErasureScope(source="door"), actor="test", delete_copies=fail)
    assert "/videos/copy.mp4" in receipt.remains and receipt.number is not None


def test_retention_leaves_no_bytes_of_the_rows_that_it_removes(home: Path, engine: Engine) -> None:
    with transaction(engine) as connection:
        connection.execute(update(Run).values(finished_at=utc_now().replace(year=2020)))
    settings = Settings(home=home, keep_faces_days=1, keep_frames_days=1)
    jobs = {one.name: one for one in scheduled_jobs(settings, engine)}
    jobs["retention"].run()
    assert not any(
        struct.pack(">d", PLANTED_X) in one.read_bytes() for one in home.rglob("*") if one.is_file()
    )


def test_a_large_database_is_rewritten_by_the_maintenance_job(home: Path, engine: Engine) -> None:
    """Given a database that is too large to rewrite at once, the receipt names the job."""
    with pytest.MonkeyPatch.context() as patch:
        small = partial(remove_traces, largest_bytes=1)
        patch.setattr(receipts, "remove_traces", small)
        receipt = erase(engine, ErasureScope(source="door"), actor="test")
    assert "`maintenance`" in receipt.remains
    database = home / "moodline.db"
    before = database.stat().st_size
    jobs = {one.name: one for one in scheduled_jobs(Settings(home=home), engine)}
    jobs["maintenance"].run()
    assert database.stat().st_size < before, "it was rewritten"
    assert not places_of(home)
    assert not rewrite_if_due(engine)


@pytest.mark.both_databases
def test_the_receipt_of_a_server_names_what_its_administrator_must_do(
    request: pytest.FixtureRequest,
) -> None:
    url = request.getfixturevalue("postgresql_database")
    engine = open_engine(url)
    assert "vacuumed" in remove_traces(engine)
    engine.dispose()
