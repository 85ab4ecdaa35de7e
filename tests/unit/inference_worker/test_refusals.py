"""Refusals: when a run that this worker cannot analyse is left to others, and when it must end."""

from broker.reports import WorkerReport
from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.errors import ModelError
from inference_worker.refusals import GRACE_S, Refusals
from inference_worker.store import TakenRun

ERROR = ModelError("it needs model old@1")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(run_id: str, model: str = "old@1") -> TakenRun:
    spec = AnalysisSpec("haar-alt2/1", model, AnalysisOptions(0.4, None, 24, 1280))
    return TakenRun(1, run_id, 1, "a.mp4", False, 1, 1, 0, False, b"", spec)


def worker(model: str, *lacks: str) -> WorkerReport:
    return WorkerReport("w", "host", 1, "cpu", model, lacks=lacks)


def test_a_run_ends_after_the_grace_and_the_next_ones_of_its_model_at_once() -> None:
    clock = Clock()
    refusals = Refusals(clock)

    assert not refusals.note(run("r1"), ERROR)
    clock.now += GRACE_S - 1
    assert not refusals.note(run("r1"), ERROR)
    clock.now += 1
    assert refusals.note(run("r1"), ERROR)
    assert refusals.note(run("r2"), ERROR)
    assert not refusals.note(run("r3", "older@1"), ERROR)


def test_a_run_is_left_to_a_living_worker_that_has_its_model_and_detector() -> None:
    clock = Clock()
    refusals = Refusals(clock)
    refusals.note(run("r1"), ERROR)

    clock.now += GRACE_S
    refusals.note_workers([worker("new@1"), worker("old@1")])
    assert not refusals.note(run("r1"), ERROR)

    clock.now += GRACE_S
    refusals.note_workers([worker("new@1"), worker("old@1", "old@1 haar-alt2/1")])
    assert refusals.note(run("r1"), ERROR)


def test_reasons_are_those_of_open_runs_that_are_still_refused() -> None:
    refusals = Refusals(Clock())
    refusals.note(run("r1"), ERROR)
    refusals.note(run("r2"), ERROR)
    assert refusals.reasons() == ("a.mp4: it needs model old@1",)
    assert refusals.lacks() == ("old@1 haar-alt2/1",)

    refusals.keep_only({"r2"})
    assert refusals.reasons() == ("a.mp4: it needs model old@1",)
    refusals.forget(run("r2"))
    assert refusals.reasons() == refusals.lacks() == ()
