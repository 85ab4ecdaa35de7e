"""Uploads in chunks: offsets, file names, limits, and expiry."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from analytics.removal.deletion import delete_run
from contracts.analysis_spec import AnalysisOptions
from contracts.errors import UploadError
from contracts.runs import RunState
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.adapters.recording_files import delete_old_copies
from records.database import transaction
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.tables.runs import Run
from records.uploads.uploads import Uploads


@pytest.fixture
def uploads(engine: Engine, tmp_path: Path) -> Uploads:
    return Uploads(engine, tmp_path / "uploads", max_bytes=1_000, kept_days=7)


def analysed(engine: Engine, state: RunState = RunState.DONE) -> str:
    job = FileJob(
        "/a.mp4", "hash", "a", True, None, "haar", "m", AnalysisOptions(0.4, None, 24, 640)
    )
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=60, again=True)
        connection.execute(
            update(Run)
            .where(Run.run_id == ticket.run_id)
            .values(state=state, finished_at=utc_now() if state == RunState.DONE else None)
        )
    return ticket.run_id


@pytest.mark.both_databases
def test_chunks_are_joined_and_an_upload_can_be_resumed(uploads: Uploads) -> None:
    begun = uploads.start("My clip.MP4", 10, "mark", "mara")
    assert (begun.name, begun.received, begun.path.stat().st_size) == ("My clip.mp4", 0, 0)
    assert uploads.append(begun.id, 0, b"01234") == 5
    again = uploads.start("My clip.MP4", 10, "mark", "mara")
    assert (again.id, again.received) == (begun.id, 5)
    for other in (("other", "mara"), ("mark", "jon")):
        assert uploads.start("My clip.MP4", 10, *other).id != begun.id
    for offset in (0, 4, 6, 10):
        with pytest.raises(UploadError, match="continue at byte 5"):
            uploads.append(begun.id, offset, b"x")
    with pytest.raises(UploadError, match="larger than"):
        uploads.append(begun.id, 5, b"567890")
    assert uploads.append(begun.id, 5, b"56789") == 10
    assert begun.path.read_bytes() == b"0123456789"


def test_an_upload_keeps_the_time_of_its_file(uploads: Uploads) -> None:
    begun = uploads.start("clip.mp4", 2, "mark", "mara")
    uploads.append(begun.id, 0, b"ab")
    uploads.set_modified(begun.id, 1_700_000_000.5)
    assert begun.path.stat().st_mtime == 1_700_000_000.5
    uploads.set_modified(begun.id, 32_000_000_000)
    assert begun.path.stat().st_mtime == 1_700_000_000.5, "a time in the future was kept"


def test_invalid_uploads_are_rejected(uploads: Uploads) -> None:
    with pytest.raises(UploadError, match="the limit is"):
        uploads.start("a.mp4", 1_001, "", "")
    for name in ("a.exe", "mp4", "", "a.mp4.sh", "../../etc/passwd"):
        with pytest.raises(UploadError, match="not a recording"):
            uploads.start(name, 10, "", "")
    for upload in ("0" * 32, "../../../x", ""):
        with pytest.raises(UploadError, match="no such upload"):
            uploads.get(upload)
    for number in range(20):
        uploads.start(f"{number}.mp4", 10, "", "")
    with pytest.raises(UploadError, match="unfinished"):
        uploads.start("one-more.mp4", 10, "", "")


@pytest.mark.both_databases
def test_an_empty_upload_is_called_empty(uploads: Uploads) -> None:
    with pytest.raises(UploadError, match=r"clip\.mp4 is empty \(0 bytes\)"):
        uploads.start("clip.mp4", 0, "", "mara")


def test_files_are_deleted_when_they_expire(engine: Engine, uploads: Uploads) -> None:
    sent = [uploads.start(f"{number}.mp4", 3, "", "") for number in range(4)]
    for upload in sent[:3]:
        uploads.append(upload.id, 0, b"abc")
    done, running = analysed(engine), analysed(engine, RunState.RUNNING)
    uploads.set_result(sent[0].id, done, "")
    uploads.set_result(sent[1].id, running, "")
    uploads.set_result(sent[2].id, None, "no recording")
    now = utc_now()
    assert uploads.remove_expired(now) == 0
    assert uploads.remove_expired(now + timedelta(days=1, hours=1)) == 2, (
        "the refused one and the unfinished one"
    )
    assert uploads.remove_expired(now + timedelta(days=6)) == 0
    assert uploads.remove_expired(now + timedelta(days=7, hours=1)) == 1
    (left,) = uploads.all()
    assert left.run_id == running and left.expires_at is None and left.path.exists()
    assert not sent[0].path.exists() and not sent[0].path.parent.exists()
    unkept = Uploads(engine, uploads.folder, 1_000, 0)
    with transaction(engine) as connection:
        connection.execute(
            update(Run).where(Run.run_id == running).values(state=RunState.DONE, finished_at=now)
        )
    kept = Uploads(engine, uploads.folder, 1_000, None)
    assert kept.remove_expired(now + timedelta(days=9999)) == 0
    assert unkept.remove_expired(now + timedelta(seconds=1)) == 1


def test_files_of_a_deleted_run_are_deleted_with_it(
    engine: Engine, uploads: Uploads, tmp_path: Path
) -> None:
    line = uploads.start("a.mp4", 3, "", "")
    uploads.append(line.id, 0, b"abc")
    done = analysed(engine)
    uploads.set_result(line.id, done, "")
    settings = Settings(home=tmp_path, keep_uploads_days=7)
    copies = tmp_path / "uploads" / "annotated"
    copies.mkdir(parents=True)
    (copies / f"{done}.mp4").touch()
    assert uploads.remove_expired() == 0 and delete_old_copies(settings, engine, utc_now()) == 0
    old = utc_now() + timedelta(days=8)
    assert delete_old_copies(settings, engine, old) == 1
    (copies / f"{done}.mp4").touch()
    delete_run(engine, done)
    assert uploads.remove_expired() == 1 and delete_old_copies(settings, engine, utc_now()) == 1
    assert not list(copies.iterdir()) and not line.path.exists()
