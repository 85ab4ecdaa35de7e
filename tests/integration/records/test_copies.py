"""Recordings of one content at several places: analysed once, each a recording of its own."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, Row, func, select, update

from analytics.history.rollups import roll_up_all
from analytics.removal.deletion import delete_run
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from contracts.runs import RunState
from contracts.shared_folders import SharedFolders
from contracts.times import to_micros, utc_now
from records.database import reading, transaction
from records.runs.copies.copied_rows import copy_original
from records.runs.copies.originals import original_of
from records.runs.file_job import FileJob
from records.runs.queue import QueuedRun, claim_next, enqueue_file
from records.runs.state_changes import cancel_run, fail_run
from records.tables.base import Base
from records.tables.faces import Face, Frame, Track
from records.tables.rollups import RunMinute
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from records.tables.summary_steps import SummaryStep
from runtime.process_identity import claimant_name
from tests.history import OPTIONS, WrittenRun, expected_sums, stored_sums, write_history_run

ME = claimant_name()
BEGIN = datetime.fromisoformat("2026-03-01T09:30:10+00:00")
CONTENT = "c" * 64


def job(place: str, source: str = "", *, given: bool = False) -> FileJob:
    name = source or place.rpartition("/")[2]
    return FileJob(place, CONTENT, name, given, None, "haar", "m", OPTIONS)


def enqueue(
    engine: Engine, wanted: FileJob, *, claimant: str | None = ME, again: bool = False, **more: Any
) -> QueuedRun:
    with transaction(engine) as connection:
        return enqueue_file(connection, wanted, claimant=claimant, lease_s=60, again=again, **more)


def write_original(engine: Engine, frames: int = 700) -> WrittenRun:
    """Write the finished run of /rec/p01.mp4, under its own name."""
    written = write_history_run(
        engine, "p01.mp4", to_micros(BEGIN), frames, random.Random(5), content=CONTENT
    )
    set_run(engine, written.run_id, recorded_at=BEGIN, uri="/rec/p01.mp4")
    # The helper names the source; here it has the file's name.
    set_run(engine, written.run_id, identity=job("/rec/p01.mp4").identity())
    return written


def set_run(engine: Engine, run_id: str, **values: Any) -> None:
    with transaction(engine) as connection:
        connection.execute(update(Run).where(Run.run_id == run_id).values(**values))


def run_of(engine: Engine, run_id: str) -> Row[Any]:
    with reading(engine) as connection:
        return connection.execute(
            select(Run.__table__, Source.name)
            .join(Source, Source.id == Run.source_pk)
            .where(Run.run_id == run_id)
        ).one()


def copied(engine: Engine, place: str, at: datetime = BEGIN, **options: Any) -> QueuedRun:
    """Queue a copy at a place, and give it its rows at a time."""
    queued = enqueue(engine, job(place, **options))
    set_run(engine, queued.run_id, recorded_at=at)
    assert copy_original(engine, queued.run_pk, lambda: True)
    return queued


def rows_of(engine: Engine, table: Any, run_pk: int) -> list[tuple[Any, ...]]:
    columns = [one for one in table.__table__.c if one.name not in {"run_pk", "captured_at"}]
    with reading(engine) as connection:
        query = select(*columns).where(table.run_pk == run_pk)
        return sorted(map(tuple, connection.execute(query)), key=repr)


def shifted(run: WrittenRun, source: str, by: timedelta) -> WrittenRun:
    """Return what a run must give that has the same rows at another time; `by`: whole minutes."""
    by_us = by // timedelta(microseconds=1)
    frames = [replace(one, captured_at_us=one.captured_at_us + by_us) for one in run.frames]
    minutes = {start + by_us: counts for start, counts in run.minutes.items()}
    return WrittenRun("copy", source, frames, minutes)


@pytest.mark.both_databases
def test_a_copy_is_a_recording_of_its_own_with_the_same_rows_at_its_own_time(
    engine: Engine,
) -> None:
    written = write_original(engine)
    later = timedelta(days=3, minutes=7)

    copy = copied(engine, "/rec/p06.mp4", BEGIN + later)
    roll_up_all(engine)

    original, found = run_of(engine, written.run_id), run_of(engine, copy.run_id)
    assert copy.is_copy and copy.claimed
    assert (found.name, found.state, found.copy_of) == ("p06.mp4", RunState.DONE, original.id)
    assert (found.counted, found.frames_total) == (True, original.frames_total)
    for table in (Frame, Face, Track, SummaryStep):
        assert rows_of(engine, table, found.id) == rows_of(engine, table, original.id) != []
    expected = expected_sums([written, shifted(written, "p06.mp4", later)])
    assert stored_sums(engine) == expected


@pytest.mark.both_databases
def test_counts_by_minute_are_whole_when_a_copy_begins_within_a_minute(engine: Engine) -> None:
    written = write_original(engine)
    copy = copied(engine, "/rec/p06.mp4", BEGIN + timedelta(seconds=31.7))
    names = ("captured", "sampled_out", "corrupt")
    with reading(engine) as connection:
        sums = [func.sum(getattr(RunMinute, name)) for name in names]
        of_runs = select(*sums).group_by(RunMinute.run_pk)
        totals = {tuple(map(int, row)) for row in connection.execute(of_runs)}
        frames = connection.execute(
            select(func.min(Frame.captured_at), func.count()).where(Frame.run_pk == copy.run_pk)
        ).one()
    assert len(totals) == 1
    assert tuple(frames) == (BEGIN + timedelta(seconds=31.7), len(written.frames))


def test_a_copy_that_was_killed_on_the_way_is_completed(engine: Engine) -> None:
    written = write_original(engine, 300)
    queued = enqueue(engine, job("/rec/p06.mp4"))
    set_run(engine, queued.run_id, recorded_at=BEGIN)
    for _ in range(2):
        copy_original(engine, queued.run_pk, lambda: False, chunk_frames=100)
        assert run_of(engine, queued.run_id).state == RunState.QUEUED
    assert copy_original(engine, queued.run_pk, lambda: True, chunk_frames=100)
    original = run_of(engine, written.run_id)
    assert rows_of(engine, Frame, queued.run_pk) == rows_of(engine, Frame, original.id)
    assert copy_original(engine, queued.run_pk, lambda: True)  # Once more changes nothing.


def test_each_of_forty_paths_is_a_run_and_a_source(engine: Engine) -> None:
    write_original(engine, 20)
    runs = {copied(engine, f"/rec/p{number:02}.mp4").run_id for number in range(2, 41)}
    assert len(runs) == 39
    with reading(engine) as connection:
        names = set(connection.scalars(select(Source.name)))
    assert names == {f"p{number:02}.mp4" for number in range(1, 41)}


def test_a_path_that_was_read_is_reused_and_so_is_a_copy(engine: Engine) -> None:
    written = write_original(engine, 20)
    copy = copied(engine, "/rec/p06.mp4")
    for place, run_id in (("/rec/p01.mp4", written.run_id), ("/rec/p06.mp4", copy.run_id)):
        queued = enqueue(engine, job(place))
        assert (queued.run_id, queued.reused) == (run_id, True)


def test_a_recording_that_was_moved_stays_one_and_a_renamed_one_is_a_copy(engine: Engine) -> None:
    written = write_original(engine, 20)

    moved = enqueue(engine, job("/archive/p01.mp4"), is_gone=lambda _uri: True)
    assert moved.run_id == written.run_id
    assert run_of(engine, written.run_id).uri == "/archive/p01.mp4"
    renamed = enqueue(engine, job("/archive/p07.mp4"), is_gone=lambda _uri: True)
    assert (renamed.is_copy, run_of(engine, renamed.run_id).name) == (True, "p07.mp4")
    beside = enqueue(engine, job("/backup/p01.mp4"), is_gone=lambda _uri: False)
    assert run_of(engine, beside.run_id).name == "backup/p01.mp4"


def test_uploads_of_one_name_and_content_are_one_recording(engine: Engine) -> None:
    first = enqueue(engine, job(f"/up/{1:032x}/talk.mp4"))
    set_run(engine, first.run_id, state=RunState.DONE)
    assert enqueue(engine, job(f"/up/{2:032x}/talk.mp4")).run_id == first.run_id
    assert enqueue(engine, job(f"/up/{3:032x}/other.mp4")).run_id != first.run_id


@pytest.mark.both_databases
def test_a_copy_waits_for_an_original_that_is_being_analysed(engine: Engine) -> None:
    first = enqueue(engine, job("/rec/p01.mp4"))
    copy = enqueue(engine, job("/rec/p02.mp4"))
    assert (copy.is_copy, copy.claimed) == (True, False)
    with transaction(engine) as connection:
        claimed = claim_next(connection, claimant="other:1:1", lease_s=60, folders=SharedFolders())
    assert claimed is None
    set_run(engine, first.run_id, state=RunState.DONE)
    assert enqueue(engine, job("/rec/p02.mp4")).claimed


@pytest.mark.both_databases
def test_what_is_left_to_services_is_analysed_once_too(engine: Engine) -> None:
    first, second = (
        enqueue(engine, job(f"/rec/p{number}.mp4"), claimant=None) for number in (1, 2)
    )
    assert second.is_copy

    def claim() -> QueuedRun | None:
        with transaction(engine) as connection:
            return claim_next(connection, claimant=ME, lease_s=60, folders=SharedFolders())

    claimed = claim()
    assert claimed is not None and claimed.run_id == first.run_id
    assert claim() is None, "its copy waits"
    set_run(engine, first.run_id, state=RunState.DONE)
    claimed = claim()
    assert claimed is not None and claimed.run_id == second.run_id


def test_a_copy_does_not_wait_for_a_recording_that_no_host_here_can_open(engine: Engine) -> None:
    enqueue(engine, job("shared://nas/p01.mp4"), claimant=None)
    copy = enqueue(engine, job("/rec/p02.mp4"), claimant=None)
    with transaction(engine) as connection:
        claimed = claim_next(connection, claimant=ME, lease_s=60, folders=SharedFolders())
    assert claimed is not None and claimed.run_id == copy.run_id
    assert run_of(engine, copy.run_id).copy_of is None


def test_a_copy_of_a_run_whose_claimant_died_is_analysed_itself(engine: Engine) -> None:
    first = enqueue(engine, job("/rec/p01.mp4"))
    copy = enqueue(engine, job("/rec/p02.mp4"))
    set_run(engine, first.run_id, claim_expires_at=utc_now() - timedelta(1), claimed_by="x:1:1")
    again = enqueue(engine, job("/rec/p02.mp4"))
    assert (again.run_id, again.claimed, again.is_copy) == (copy.run_id, True, False)
    assert run_of(engine, copy.run_id).copy_of is None


def test_a_copy_fails_as_its_original_did_and_a_retry_reads_its_own_file(engine: Engine) -> None:
    first = enqueue(engine, job("/rec/p01.mp4"))
    copy = enqueue(engine, job("/rec/p02.mp4"))
    fail_run(engine, first.run_id, "the file is cut off")
    claimed = enqueue(engine, job("/rec/p02.mp4"))
    assert claimed.claimed and claimed.is_copy
    assert copy_original(engine, copy.run_pk, lambda: True)
    found = run_of(engine, copy.run_id)
    assert (found.state, found.error) == (
        RunState.FAILED,
        "same content as p01.mp4: the file is cut off",
    )
    retried = enqueue(engine, job("/rec/p02.mp4"))
    assert (retried.run_id, retried.is_copy) == (copy.run_id, False)


def test_the_first_waiting_copy_takes_the_place_of_a_cancelled_original(engine: Engine) -> None:
    first = enqueue(engine, job("/rec/p01.mp4"))
    copies = [enqueue(engine, job(f"/rec/p{number}.mp4")) for number in (2, 3)]
    cancel_run(engine, first.run_id)
    assert not copy_original(engine, copies[0].run_pk, lambda: True)
    assert run_of(engine, copies[0].run_id).copy_of is None
    assert run_of(engine, copies[1].run_id).copy_of == copies[0].run_pk


def test_rows_that_were_erased_or_removed_by_age_are_not_copied(engine: Engine) -> None:
    written = write_original(engine, 50)
    wanted = job("/rec/p02.mp4")
    with transaction(engine) as connection:
        assert original_of(connection, wanted) is not None
        pk = connection.execute(select(Run.id).where(Run.run_id == written.run_id)).scalar_one()
        connection.execute(update(RunProgress).where(RunProgress.run_pk == pk).values(erased=1))
        assert original_of(connection, wanted) is None
        connection.execute(update(RunProgress).where(RunProgress.run_pk == pk).values(erased=0))
        connection.execute(Face.__table__.delete().where(Face.run_pk == pk))
        assert original_of(connection, wanted) is None


def test_when_an_original_is_deleted_its_first_copy_is_the_original_of_the_others(
    engine: Engine,
) -> None:
    written = write_original(engine, 50)
    second, third = copied(engine, "/rec/p02.mp4"), copied(engine, "/rec/p03.mp4")
    delete_run(engine, written.run_id)
    assert run_of(engine, second.run_id).copy_of is None
    assert run_of(engine, third.run_id).copy_of == second.run_pk
    assert rows_of(engine, Frame, third.run_pk)


def test_again_analyses_once_and_copies_to_the_others(engine: Engine) -> None:
    write_original(engine, 20)
    copied(engine, "/rec/p02.mp4")
    before = utc_now()
    first = enqueue(engine, job("/rec/p01.mp4"), again=True, again_before=before)
    second = enqueue(engine, job("/rec/p02.mp4"), again=True, again_before=before)
    assert not first.is_copy and first.claimed
    assert run_of(engine, second.run_id).copy_of == first.run_pk


@pytest.mark.parametrize(("later_s", "counts"), [(0, 1), (10, 1), (86_400, 2)])
def test_within_one_source_the_same_moments_count_once(
    engine: Engine, later_s: int, counts: int
) -> None:
    written = write_original(engine, 100)  # 20 s.
    copy = copied(
        engine, "/b/x.mp4", BEGIN + timedelta(seconds=later_s), source="p01.mp4", given=True
    )
    found = [run_of(engine, one).counted for one in (written.run_id, copy.run_id)]
    assert found == ([False, True] if counts == 1 else [True, True])


def test_an_erasure_names_the_recordings_that_keep_the_same_content(engine: Engine) -> None:
    written = write_original(engine, 50)
    copied(engine, "/rec/p02.mp4")
    scope = ErasureScope(run_id=written.run_id)
    planned = erase(engine, scope, actor="x", dry_run=True)
    done = erase(engine, scope, actor="x")
    for receipt in (planned, done):
        assert "the same content, which were not chosen: p02.mp4" in receipt.remains


def test_every_table_of_a_run_is_known_to_the_copying() -> None:
    """A new table needs its rows copied, or a copy would lack them."""
    of_runs = {name for name, table in Base.metadata.tables.items() if "run_pk" in table.c}
    copied_row_by_row = {"frames", "faces", "tracks", "run_steps", "dead_letters"}
    assert of_runs == {*copied_row_by_row, "run_minutes", "run_state"}
