"""Recordings on the dashboard: annotated copies, and analysing a recording again."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.errors import MoodlineError
from contracts.runs import RunState
from contracts.settings import Settings
from moodline.adapters.recording_files import annotated_path, uploads_of
from moodline.adapters.recordings import RecordingLibrary
from moodline.analysis.run_spec import analysis_spec
from records.database import reading, transaction
from records.json_columns import decode_run_options, decode_tags
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.tables.runs import Run
from records.tables.sources import Source
from records.uploads.stored import StoredUpload
from serving.services import RecordingDetails
from tests.media import steady, write_video
from tests.rows import FILE_JOB


def test_a_failed_deletion_of_a_copy_raises_and_is_not_in_the_audit(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    """Given a copy that cannot be deleted, the error says so and no audit entry is written."""
    settings = Settings(home=tmp_path / "home")
    library = RecordingLibrary(settings, sqlite_engine, uploads_of(settings, sqlite_engine))
    copy = annotated_path(settings, "seen")
    copy.mkdir(parents=True)  # Root may delete any file, but `unlink` fails on a folder.

    with pytest.raises(MoodlineError, match="cannot be deleted"):
        library.delete_copy("seen", actor="mara")

    assert copy.exists() and not in_snapshot(sqlite_engine, audit_entries)


@pytest.fixture
def library(sqlite_engine: Engine, tmp_path: Path) -> RecordingLibrary:
    settings = Settings(home=tmp_path / "home")
    return RecordingLibrary(settings, sqlite_engine, uploads_of(settings, sqlite_engine))


def present_job(library: RecordingLibrary, upload: StoredUpload) -> FileJob:
    spec = analysis_spec(library.settings)
    job = replace(FILE_JOB, uri=str(upload.path), options=spec.options)
    return replace(job, detector=spec.detector, model_version=spec.model_version)


def ended_run(library: RecordingLibrary, job: FileJob, upload: StoredUpload, state: str) -> str:
    with transaction(library.engine) as connection:
        run_id = enqueue_file(connection, job, claimant=None, lease_s=60, again=False).run_id
        values = {"state": state, "error": "no worker has it", "finished_at": upload.changed_at}
        connection.execute(update(Run).where(Run.run_id == run_id).values(values))
    library.uploads.set_result(upload.id, run_id, "")
    return run_id


def sent(library: RecordingLibrary, owner: str, content: bytes = b"film") -> StoredUpload:
    upload = library.uploads.start("a.mp4", len(content), owner, owner)
    library.uploads.append(upload.id, 0, content)
    return library.uploads.get(upload.id)


def run_of(library: RecordingLibrary, run_id: str) -> tuple[str, str, str]:
    query = select(Run.state, Run.error, Run.model_version).where(Run.run_id == run_id)
    with reading(library.engine) as connection:
        state, error, model = connection.execute(query).one()
    return state, error, model


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_a_run_of_another_model_is_tried_again_with_the_present_one(
    library: RecordingLibrary, state: RunState
) -> None:
    """A run of a model that no worker has would wait, and fail, again."""
    upload = sent(library, "mara")
    job = present_job(library, upload)
    old = ended_run(library, replace(job, model_version="old@1"), upload, state)

    tried = library.try_again(old)

    assert (tried.queued, tried.run_id != old) == (True, True)
    assert run_of(library, old)[0] == state
    assert run_of(library, tried.run_id) == (RunState.QUEUED, "", job.model_version)
    moved = library.uploads.get(upload.id)
    assert (moved.run_id, moved.expires_at) == (tried.run_id, None), "kept until the new run ends"
    owners = library.upload_owners([old, tried.run_id])
    assert owners == {old: {"mara"}, tried.run_id: {"mara"}}


def test_a_run_of_the_present_model_goes_on_where_it_stopped(library: RecordingLibrary) -> None:
    upload = sent(library, "mara")
    run_id = ended_run(library, present_job(library, upload), upload, RunState.FAILED)
    tried = library.try_again(run_id)
    assert (tried.run_id, tried.queued) == (run_id, True)
    assert run_of(library, run_id)[:2] == (RunState.QUEUED, "")


def test_a_run_that_did_not_fail_is_not_tried_again(library: RecordingLibrary) -> None:
    upload = sent(library, "mara")
    job = replace(present_job(library, upload), model_version="old@1")
    run_id = ended_run(library, job, upload, RunState.DONE)
    assert not library.try_again(run_id).queued
    assert run_of(library, run_id)[0] == RunState.DONE


def test_an_upload_has_the_name_the_tags_and_the_time_that_its_user_gave(
    library: RecordingLibrary, tmp_path: Path
) -> None:
    write_video(tmp_path / "clip.mp4", steady(4))
    content = (tmp_path / "clip.mp4").read_bytes()
    at = datetime.fromisoformat("2026-03-01T09:30:00+01:00")
    first, second = (sent(library, owner, content) for owner in ("mara", "ola"))

    run_id = library.queue_upload(first, details=RecordingDetails("P06", ("day 1", "group A"), at))
    copy = library.queue_upload(second, details=RecordingDetails("P07", ("day 2",)))

    columns = (Run.run_id, Source.name, Source.tags, Run.options)
    with reading(library.engine) as connection:
        rows = connection.execute(
            select(*columns).join(Source, Source.id == Run.source_pk).order_by(Run.id)
        ).all()
    assert [(row.run_id, row.name) for row in rows] == [(run_id, "P06"), (copy, "P07")]
    assert [decode_tags(row.tags) for row in rows] == [("day 1", "group A"), ("day 2",)]
    given = [decode_run_options(row.options).recorded_at for row in rows]
    assert given == [at, None]
