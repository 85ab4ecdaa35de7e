"""Rows under the default detector: the same by one worker, by two, and after deaths of workers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, select

from broker.bus import Bus
from broker.leases import Leases
from contracts.frames import Counters, End, FrameMessage
from contracts.runs import RunState
from contracts.settings import Settings
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import chosen_detector
from inference_worker.faces.model_choice import shipped_model
from inference_worker.store import TakenRun
from inference_worker.worker import Worker
from moodline.demo.scenes import FPS, picture_at, scenes
from records.runs.queue import enqueue_file
from records.tables.faces import Face, Frame, Track
from records.tables.runs import Run, RunProgress
from runtime.decoding.opencv import cv2
from tests.rows import FILE_JOB
from tests.workers import make_worker, publish

SIZE = (320, 180)
FRAMES = 60
WINDOW_S = 1.0
"""Labels become final half a second after their frames, mostly in other commits."""


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Four seconds of the demo with grain: a face, a second one that comes in, and one again."""
    grain = np.random.default_rng(22)
    shown = []
    for number in range(FRAMES):
        picture = picture_at(scenes()[2], 3.6 + number / FPS)
        small = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)
        noisy = small + grain.normal(0, 2, small.shape)
        shown.append(np.clip(noisy, 0, 255).astype(np.uint8).tobytes())
    return shown


def queue_run(bus: Bus, engine: Engine, number: int, pictures: list[bytes]) -> str:
    """Queue and publish a run over the pictures. Return its id."""
    detector = chosen_detector(Settings()).id
    options = replace(FILE_JOB.options, window_s=WINDOW_S, hold_s=0.2)
    job = replace(FILE_JOB, content_hash=str(number) * 64, detector=detector, options=options)
    with engine.begin() as connection:
        run_id = enqueue_file(connection, job, claimant="c:1:1", lease_s=60, again=False).run_id
    messages = [
        FrameMessage(
            run_id=run_id,
            seq=index + 1,
            frame_index=index,
            media_time_us=index * 1_000_000 // FPS,
            captured_at_us=index,
            width=SIZE[0],
            height=SIZE[1],
            display_width=SIZE[0],
            display_height=SIZE[1],
            counters=Counters(captured=index + 1),
            luma=luma,
        ).encode()
        for index, luma in enumerate(pictures)
    ]
    end = End(run_id, FRAMES + 1, FRAMES, Counters(captured=FRAMES), "")
    publish(bus, run_id, [*messages, end.encode()])
    return run_id


@pytest.fixture
def new_worker(bus: Bus, engine: Engine) -> Callable[[str], Worker]:
    """A function that makes a worker with a detector of its own, as a process has."""
    classifier = LiteRTClassifier(shipped_model())

    def make(name: str) -> Worker:
        detector = chosen_detector(Settings())

        def analyzer(run: TakenRun) -> RunAnalyzer:
            assert run.spec.detector == detector.id
            return RunAnalyzer(detector, classifier, run.spec.options, run.checkpoint)

        return make_worker(name, bus, engine, analyzer, classifier=classifier)

    return make


def holders(engine: Engine) -> dict[str, str | None]:
    """The worker that holds each run that has not ended."""
    query = select(Run.run_id, RunProgress.holder).join(RunProgress, RunProgress.run_pk == Run.id)
    with engine.connect() as connection:
        rows = connection.execute(query.where(Run.state != RunState.DONE)).all()
    return {run.run_id: run.holder for run in rows}


def stored(engine: Engine, run_id: str) -> list[tuple[Any, ...]]:
    """All frames, faces and tracks of a run, with everything that the analysis stored of them."""
    rows: list[tuple[Any, ...]] = []
    with engine.connect() as connection:
        run_pk = connection.execute(select(Run.id).where(Run.run_id == run_id)).scalar_one()
        for table in (Frame, Face, Track):
            keys = [one for one in table.__table__.primary_key if one.name != "run_pk"]
            columns = [one for one in table.__table__.columns if one.name != "run_pk"]
            query = select(*columns).where(table.run_pk == run_pk).order_by(*keys)
            rows += [tuple(row) for row in connection.execute(query)]
    return rows


def test_one_worker_two_workers_and_deaths_store_the_same_rows(
    bus: Bus, engine: Engine, pictures: list[bytes], new_worker: Callable[[str], Worker]
) -> None:
    calm = queue_run(bus, engine, 1, pictures)
    alone = new_worker("alone")
    while holders(engine):
        alone.step()
    alone.run(lambda: True)  # It releases what it holds, and no longer counts as alive.

    shaken = [queue_run(bus, engine, number, pictures) for number in (2, 3, 4)]
    workers = {name: new_worker(name) for name in ("one", "two")}
    seen: set[tuple[str, str | None]] = set()
    turns = deaths = 0
    while held := holders(engine):
        turns += 1
        assert turns < 1000, held
        for worker in workers.values():
            worker.step()
        seen |= set(held.items())
        if turns % 4 == 0 and deaths < 6:
            # It is killed, its lease runs out, and it starts again without what it knew.
            victim = ("one", "two")[deaths % 2]
            for run_id in (run for run, holder in holders(engine).items() if holder == victim):
                Leases(bus).release(run_id, victim)
            workers[victim] = new_worker(victim)
            deaths += 1

    assert {holder for _run, holder in seen} >= {"one", "two"} and deaths >= 3
    expected = stored(engine, calm)
    assert len(expected) > 2 * FRAMES, "most frames show a face"
    for run_id in shaken:
        assert stored(engine, run_id) == expected
