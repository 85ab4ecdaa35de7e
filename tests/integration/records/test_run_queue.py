"""The queue of runs: equal work is done once, by one living claimant."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, update

from contracts.analysis_spec import AnalysisOptions
from contracts.runs import RunState
from records.json_columns import decode_run_options
from records.runs.claims import release_claims
from records.runs.file_job import FileJob
from records.runs.queue import QueuedRun, enqueue_file
from records.runs.state_changes import fail_run
from records.sources.live_sources import SourceSettings, add_source
from records.tables.runs import Run
from records.tables.sources import Source
from runtime.process_identity import claimant_name
from tests.rows import FILE_JOB

ME = claimant_name()
ELSEWHERE = "another-host:1:1"


def enqueue(
    engine: Engine,
    job: FileJob = FILE_JOB,
    *,
    claimant: str = ME,
    lease_s: float = 60,
    again: bool = False,
    **more: Any,
) -> QueuedRun:
    with engine.begin() as connection:
        return enqueue_file(
            connection, job, claimant=claimant, lease_s=lease_s, again=again, **more
        )


def set_state(engine: Engine, run_id: str, state: RunState) -> None:
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.run_id == run_id).values(state=state))


def test_equal_work_of_a_recording_is_one_run(engine: Engine) -> None:
    """The same content at another place is in test_copies."""
    first = enqueue(engine)
    set_state(engine, first.run_id, RunState.DONE)

    again = enqueue(engine, FILE_JOB)

    assert again.run_id == first.run_id
    assert again.reused and not again.claimed
    assert enqueue(engine, again=True).run_id != first.run_id


@pytest.mark.parametrize(
    "change",
    [
        {"content_hash": "b" * 64},
        {"sampling_fps": 5.0},
        {"detector": "other/1"},
        {"model_version": "model@2"},
        {"options": AnalysisOptions(0.5, None, 24, 1280)},
        {"source": "door", "source_given": True},
        {"recorded_at_pattern": "x"},
    ],
)
def test_an_option_that_changes_the_rows_makes_another_run(
    engine: Engine, change: dict[str, object]
) -> None:
    first = enqueue(engine)
    set_state(engine, first.run_id, RunState.DONE)
    assert enqueue(engine, replace(FILE_JOB, **change)).run_id != first.run_id


def test_the_zone_of_names_matters_only_with_a_pattern() -> None:
    """So what was analysed before it could be set is the same work still."""
    plain, named = FILE_JOB, replace(FILE_JOB, recorded_at_pattern="x")
    assert replace(plain, recorded_at_zone="Europe/Berlin").identity() == plain.identity()
    assert replace(named, recorded_at_zone="Europe/Berlin").identity() != named.identity()
    for zone in ("Europe/Berlin", None):
        options = decode_run_options(replace(named, recorded_at_zone=zone).stored_options())
        assert options.recorded_at_zone == zone


def test_a_run_of_a_living_claimant_is_not_taken(engine: Engine) -> None:
    first = enqueue(engine)
    assert first.claimed
    assert not enqueue(engine, claimant=ELSEWHERE).claimed


@pytest.mark.both_databases
def test_a_run_is_taken_over_when_its_claim_expires(engine: Engine) -> None:
    first = enqueue(engine, claimant=ELSEWHERE, lease_s=-1)
    taken = enqueue(engine)
    assert (taken.run_id, taken.claimed) == (first.run_id, True)


@pytest.mark.both_databases
def test_a_run_of_a_dead_process_on_this_host_is_taken_at_once(engine: Engine) -> None:
    host, pid, _ = ME.rsplit(":", 2)
    first = enqueue(engine, claimant=f"{host}:{pid}:1")
    assert enqueue(engine).claimed
    with engine.begin() as connection:
        release_claims(connection, claimant=ME)
    assert enqueue(engine, claimant=ELSEWHERE) == replace(first, claimed=True)


@pytest.mark.both_databases
def test_a_failed_run_is_queued_again(engine: Engine) -> None:
    first = enqueue(engine)
    fail_run(engine, first.run_id, "the disk was unplugged")
    again = enqueue(engine)
    assert (again.run_id, again.claimed, again.state) == (first.run_id, True, RunState.QUEUED)


@pytest.mark.both_databases
def test_concurrent_commands_create_one_run(engine: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        queued = list(pool.map(lambda n: enqueue(engine, claimant=f"host{n}:1:1"), range(8)))

    assert len({run.run_id for run in queued}) == 1
    assert sum(run.claimed for run in queued) == 1
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(Run)).scalar() == 1


def names(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        query = select(Source.name).join(Run, Run.source_pk == Source.id).order_by(Run.id)
        return list(connection.execute(query).scalars())


def recording(uri: str, content: str, name: str, **other: Any) -> FileJob:
    return replace(FILE_JOB, uri=uri, content_hash=content * 64, source=name, **other)


@pytest.mark.both_databases
def test_recordings_of_equal_name_from_different_folders_are_different_sources(
    engine: Engine,
) -> None:
    for job in (
        recording("/cam1/clip.mp4", "a", "clip.mp4"),
        recording("/cam2/clip.mp4", "b", "clip.mp4"),
        recording("/old/cam2/clip.mp4", "c", "cam2/clip.mp4"),
        recording("shared://nas/cam3/my%20clip.mp4", "d", "my clip.mp4"),
        recording("shared://nas/cam4/my%20clip.mp4", "e", "my clip.mp4"),
    ):
        enqueue(engine, job)

    assert names(engine) == [
        *("clip.mp4", "cam2/clip.mp4", "old/cam2/clip.mp4"),
        *("my clip.mp4", "cam4/my clip.mp4"),
    ]


def test_uploads_of_equal_name_are_numbered(engine: Engine) -> None:
    for number, content in enumerate("abc"):
        enqueue(engine, recording(f"/home/uploads/{number:032x}/clip.mp4", content, "clip.mp4"))

    assert names(engine) == ["clip.mp4", "clip.mp4 (2)", "clip.mp4 (3)"]


def test_a_recording_that_moves_or_changes_stays_its_source(engine: Engine) -> None:
    enqueue(engine, recording("/cam1/clip.mp4", "a", "clip.mp4"))
    enqueue(engine, recording("/cam2/clip.mp4", "b", "clip.mp4"))
    enqueue(engine, recording("/cam1/clip.mp4", "c", "clip.mp4"))
    moved = recording("/moved/clip.mp4", "a", "clip.mp4", sampling_fps=5.0)
    enqueue(engine, moved, is_gone=lambda _uri: True)
    enqueue(engine, recording("/cam2/clip.mp4", "b", "clip.mp4", sampling_fps=5.0))
    enqueue(engine, recording("/cam3/clip.mp4", "d", "clip.mp4", source_given=True))

    assert names(engine) == [
        *("clip.mp4", "cam2/clip.mp4", "clip.mp4", "clip.mp4", "cam2/clip.mp4", "clip.mp4")
    ]


def test_a_recording_is_not_taken_for_a_camera_of_its_name(engine: Engine) -> None:
    add_source(engine, "door", SourceSettings("0", "0", None, None, None))
    enqueue(engine, recording("/a/door", "a", "door"))
    enqueue(engine, recording("/a/door", "a", "door", source_given=True))

    assert names(engine) == ["a/door", "door"]
