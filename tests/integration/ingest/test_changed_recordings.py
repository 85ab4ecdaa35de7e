"""Recordings that change: while they are read, and while they grow."""

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Row, select, update

from analytics.history.rollups import mark_all_dirty, roll_up_all
from broker.bus import Bus
from broker.entries.entry_writer import StreamLimits
from contracts.runs import ENDED_STATES, RunState
from contracts.shared_folders import SharedFolders
from ingest.files.content_hash import read_content
from ingest.files.publisher import FilePublisher, PublishStep
from records.database import reading, transaction
from records.runs.counted_runs import count_longest_stage, count_only_run
from records.runs.queue import QueuedRun, enqueue_file
from records.tables.runs import Run, RunProgress
from runtime.process_identity import claimant_name
from tests.media import VideoSpec, steady, write_video
from tests.rows import FILE_JOB, START, write_run
from tests.workers import analyzer, make_worker

LIMITS = StreamLimits(8, 2**20)
FRAMES = 60


def queue(engine: Engine, path: Path) -> QueuedRun:
    content = read_content(path)
    job = replace(
        FILE_JOB, uri=str(path), content_hash=content.digest, file_state=content.file_state
    )
    with transaction(engine) as connection:
        return enqueue_file(connection, job, claimant=claimant_name(), lease_s=600, again=False)


def run_of(engine: Engine, run_id: str) -> Row[*tuple[Any, ...]]:
    columns = (Run.state, Run.error, Run.counted, Run.content_hash, RunProgress.frames_analyzed)
    with reading(engine) as connection:
        query = select(*columns).join(RunProgress, RunProgress.run_pk == Run.id)
        return connection.execute(query.where(Run.run_id == run_id)).one()


def analyse(
    engine: Engine, bus: Bus, run_id: str, *, at: int = 0, act: Callable[[], object] = bool
) -> Row[*tuple[Any, ...]]:
    """Publish and analyse the run; call `act` after `at` messages. Return the ended run."""
    stop, sent = threading.Event(), [0]

    def note(step: PublishStep) -> None:
        before = sent[0]
        sent[0] += bool(step.sent_bytes)
        if before < at <= sent[0]:
            act()

    publisher = FilePublisher(engine, bus, LIMITS, SharedFolders(), stop.is_set, note)
    worker = make_worker("w", bus, engine, analyzer)
    thread = threading.Thread(target=publisher.publish, args=(run_id,), daemon=True)
    thread.start()
    while run_of(engine, run_id).state not in ENDED_STATES:
        worker.step()
    stop.set()
    thread.join()
    return run_of(engine, run_id)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp4"
    write_video(path, steady(FRAMES), VideoSpec(size=(64, 48), gop=10))
    return path


def test_a_recording_that_is_overwritten_while_it_is_read_fails_and_answers_no_other(
    engine: Engine, bus: Bus, recording: Path, tmp_path: Path
) -> None:
    whole = recording.read_bytes()
    (tmp_path / "copy.mp4").write_bytes(whole)

    def overwrite() -> None:
        with recording.open("r+b") as file:
            file.seek(len(whole) // 2)
            file.write(os.urandom(len(whole) - len(whole) // 2))

    queued = queue(engine, recording)
    ended = analyse(engine, bus, queued.run_id, at=20, act=overwrite)

    assert ended.state == RunState.FAILED
    assert "a.mp4 was changed while it was read" in ended.error
    assert not ended.counted
    again = queue(engine, tmp_path / "copy.mp4")
    assert again.run_id != queued.run_id
    intact = analyse(engine, bus, again.run_id)
    assert (intact.state, intact.frames_analyzed, intact.counted) == (RunState.DONE, FRAMES, True)


def test_after_a_crash_each_frame_is_sent_before_the_next_is_decoded(
    engine: Engine, bus: Bus, recording: Path
) -> None:
    """Else how many frames before a crash are analysed would depend on the clock."""
    run_id = queue(engine, recording).run_id
    waiting: list[int] = []

    def note(step: PublishStep) -> None:
        if step.sent_bytes:
            waiting.append(bus.waiting_frames([run_id])[run_id])

    publisher = FilePublisher(
        engine, bus, LIMITS, SharedFolders(), lambda: len(waiting) == LIMITS.max_frames, note
    )
    publisher.publish(run_id, singly=True)
    assert waiting == list(range(1, LIMITS.max_frames + 1))


def test_a_recording_that_is_touched_while_it_is_read_is_complete(
    engine: Engine, bus: Bus, recording: Path
) -> None:
    ended = analyse(engine, bus, queue(engine, recording).run_id, at=20, act=recording.touch)
    assert (ended.state, ended.frames_analyzed) == (RunState.DONE, FRAMES)


def test_a_recording_that_is_deleted_while_it_is_read_is_complete(
    engine: Engine, bus: Bus, recording: Path
) -> None:
    ended = analyse(engine, bus, queue(engine, recording).run_id, at=20, act=recording.unlink)
    assert (ended.state, ended.error, ended.frames_analyzed) == (RunState.DONE, "", FRAMES)


def test_a_length_that_a_file_lacks_is_measured_and_the_file_s_time_is_its_end(
    engine: Engine, bus: Bus, tmp_path: Path
) -> None:
    """Browsers and recorders that stream write no length; a raw stream has no times at all."""
    ended_at = START.timestamp()
    for name, spec in (
        ("browser.mkv", VideoSpec(container_options={"live": "1"})),
        ("raw.h264", VideoSpec(format="h264", rate=25, time_base=Fraction(1, 25))),
    ):
        path = tmp_path / name
        write_video(path, steady(FRAMES), spec)
        os.utime(path, (ended_at, ended_at))
        run_id = queue(engine, path).run_id
        analyse(engine, bus, run_id)
        columns = (Run.duration_us, Run.frames_claimed, Run.recorded_at, Run.recorded_at_origin)
        with reading(engine) as connection:
            row = connection.execute(select(*columns).where(Run.run_id == run_id)).one()
        begin = START - timedelta(seconds=FRAMES / 25)
        assert tuple(row) == (FRAMES * 40_000, FRAMES, begin, "mtime_end"), name


def stage(
    engine: Engine, content: str, frames: int, *, later_s: float = 0, path: str = "/v/a.mkv"
) -> int:
    """Write a run of a growing recording, of 100 ms a frame; return its key."""
    run_pk = write_run(engine, content, {n: [] for n in range(frames)})
    with transaction(engine) as connection:
        connection.execute(
            update(Run)
            .where(Run.id == run_pk)
            .values(content_hash=content, uri=path, recorded_at=START + timedelta(seconds=later_s))
        )
    return run_pk


def counted(engine: Engine) -> list[int]:
    with reading(engine) as connection:
        return list(
            connection.execute(select(Run.id).where(Run.counted).order_by(Run.id)).scalars()
        )


def test_of_a_growing_recording_the_latest_whole_run_counts(engine: Engine) -> None:
    _, second = stage(engine, "nine", 90), stage(engine, "whole", 210, later_s=0.5)
    with transaction(engine) as connection:
        count_only_run(connection, second, 1)
    assert counted(engine) == [second]


@pytest.mark.parametrize(("frames", "is_longer"), [(210, True), (50, False)])
def test_of_its_broken_runs_the_longest_counts(
    engine: Engine, frames: int, is_longer: bool
) -> None:
    first, second = stage(engine, "nine", 90), stage(engine, "more", frames)
    with transaction(engine) as connection:
        count_longest_stage(connection, second, 1)
    assert counted(engine) == [second if is_longer else first]


def test_a_rebuild_counts_stages_once_that_earlier_versions_counted_all(engine: Engine) -> None:
    stage(engine, "nine", 90)
    last, next_day = stage(engine, "whole", 210), stage(engine, "later", 90, later_s=86_400)
    elsewhere = stage(engine, "other", 90, path="/v/b.mkv")
    assert len(counted(engine)) == 4
    mark_all_dirty(engine, 1)
    roll_up_all(engine)
    assert counted(engine) == [last, next_day, elsewhere]


@pytest.mark.parametrize(
    "other", [{"later_s": 86_400}, {"path": "/v/b.mkv"}], ids=["next-day", "other-file"]
)
def test_another_recording_counts_beside_it(engine: Engine, other: dict[str, Any]) -> None:
    """A camera may overwrite its file each day."""
    first, second = stage(engine, "one", 90), stage(engine, "two", 90, **other)
    with transaction(engine) as connection:
        count_only_run(connection, second, 1)
    assert counted(engine) == [first, second]
