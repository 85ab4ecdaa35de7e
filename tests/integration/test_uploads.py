"""Recordings that are sent in pieces: offsets, names, room, and when they go."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from analytics.removal.deletion import delete_run
from contracts.analysis_spec import AnalysisOptions
from contracts.errors import UploadError
from contracts.media_types import VIDEO_SUFFIXES
from contracts.runs import RunState
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.adapters.recordings import remove_copies
from records.database import transaction
from records.runs.queue import FileJob, enqueue_file
from records.tables.runs import Run
from records.uploads import Uploads, safe_name


@pytest.fixture
def uploads(engine: Engine, tmp_path: Path) -> Uploads:
    return Uploads(engine, tmp_path / "uploads", most_bytes=1_000, kept_days=7)


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


def test_pieces_are_put_together_and_gone_on_with(uploads: Uploads) -> None:
    begun = uploads.begin("My clip.MP4", 10, "mark", "mara")
    assert (begun.name, begun.received, begun.path.stat().st_size) == ("My clip.mp4", 0, 0)
    assert uploads.append(begun.id, 0, b"01234") == 5
    again = uploads.begin("My clip.MP4", 10, "mark", "mara")
    assert (again.id, again.received) == (begun.id, 5)
    for other in (("other", "mara"), ("mark", "jon")):
        assert uploads.begin("My clip.MP4", 10, *other).id != begun.id
    for offset in (0, 4, 6, 10):
        with pytest.raises(UploadError, match="go on at byte 5"):
            uploads.append(begun.id, offset, b"x")
    with pytest.raises(UploadError, match="longer than"):
        uploads.append(begun.id, 5, b"567890")
    assert uploads.append(begun.id, 5, b"56789") == 10
    assert begun.path.read_bytes() == b"0123456789"


def test_what_cannot_be_taken_is_refused(uploads: Uploads) -> None:
    with pytest.raises(UploadError, match="are the most"):
        uploads.begin("a.mp4", 1_001, "", "")
    for name in ("a.exe", "mp4", "", "a.mp4.sh", "../../etc/passwd"):
        with pytest.raises(UploadError, match="no recording"):
            uploads.begin(name, 10, "", "")
    for upload in ("0" * 32, "../../../x", ""):
        with pytest.raises(UploadError, match="no such upload"):
            uploads.find(upload)
    for number in range(20):
        uploads.begin(f"{number}.mp4", 10, "", "")
    with pytest.raises(UploadError, match="not complete"):
        uploads.begin("one-more.mp4", 10, "", "")


@given(st.text(max_size=300), st.sampled_from(VIDEO_SUFFIXES))
def test_a_name_leads_nowhere(text: str, suffix: str) -> None:
    name = safe_name(text + suffix)
    assert name == Path(name).name and name not in {"", ".", ".."}
    assert name.endswith(suffix) and name.isprintable() and len(name) <= 120
    assert not set(name) & set("/\\<>&\"'%;|\0")


def test_files_go_when_their_owner_said(engine: Engine, uploads: Uploads) -> None:
    lines = [uploads.begin(f"{number}.mp4", 3, "", "") for number in range(4)]
    for line in lines[:3]:
        uploads.append(line.id, 0, b"abc")
    done, running = analysed(engine), analysed(engine, RunState.RUNNING)
    uploads.note_run(lines[0].id, done, "")
    uploads.note_run(lines[1].id, running, "")
    uploads.note_run(lines[2].id, None, "no recording")
    now = utc_now()
    assert uploads.remove_old(now) == 0
    assert uploads.remove_old(now + timedelta(days=1, hours=1)) == 2, "the refused, the unfinished"
    assert uploads.remove_old(now + timedelta(days=6)) == 0
    assert uploads.remove_old(now + timedelta(days=7, hours=1)) == 1
    (left,) = uploads.listed()
    assert left.run_id == running and left.goes_at is None and left.path.exists()
    assert not lines[0].path.exists() and not lines[0].path.parent.exists()
    at_once = Uploads(engine, uploads.folder, 1_000, 0)
    with transaction(engine) as connection:
        connection.execute(
            update(Run).where(Run.run_id == running).values(state=RunState.DONE, finished_at=now)
        )
    for_ever = Uploads(engine, uploads.folder, 1_000, None)
    assert for_ever.remove_old(now + timedelta(days=9999)) == 0
    assert at_once.remove_old(now + timedelta(seconds=1)) == 1


def test_what_belongs_to_an_erased_run_goes_with_it(
    engine: Engine, uploads: Uploads, tmp_path: Path
) -> None:
    line = uploads.begin("a.mp4", 3, "", "")
    uploads.append(line.id, 0, b"abc")
    done = analysed(engine)
    uploads.note_run(line.id, done, "")
    settings = Settings(home=tmp_path, keep_uploads_days=7)
    copies = tmp_path / "uploads" / "annotated"
    copies.mkdir(parents=True)
    (copies / f"{done}.mp4").touch()
    assert uploads.remove_old() == 0 and remove_copies(settings, engine, utc_now()) == 0
    old = utc_now() + timedelta(days=8)
    assert remove_copies(settings, engine, old) == 1
    (copies / f"{done}.mp4").touch()
    delete_run(engine, done)
    assert uploads.remove_old() == 1 and remove_copies(settings, engine, utc_now()) == 1
    assert not list(copies.iterdir()) and not line.path.exists()
