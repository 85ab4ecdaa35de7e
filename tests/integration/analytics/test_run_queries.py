"""Given rows of runs, their list, summaries and timelines agree with the rows and each other."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from analytics.runs.run_list import find_runs, list_open_runs, list_runs
from analytics.runs.run_summary import run_summaries, run_summary
from analytics.runs.timeline import run_timeline
from analytics.snapshots import in_snapshot
from contracts.errors import RunNotFoundError
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.runs import RunKind, RunState
from records.tables.runs import Run
from tests.rows import FaceSpec, write_run

HAPPY, SAD, UNSURE = FaceSpec(1, "happy"), FaceSpec(2, "sad"), FaceSpec(1, None)

labels = st.sampled_from([*EXPRESSIONS, None])
scenes = st.dictionaries(
    st.integers(0, 60),
    st.lists(labels, max_size=3).map(lambda many: [FaceSpec(i + 1, e) for i, e in enumerate(many)]),
    min_size=1,
).map(lambda frames: dict(sorted(frames.items())))


@pytest.mark.both_databases
def test_a_face_counts_for_its_frames_dwell(engine: Engine) -> None:
    write_run(engine, "r1", {0: [HAPPY], 1: [HAPPY, SAD], 2: [UNSURE], 3: [], 5: [HAPPY]})

    summary = in_snapshot(engine, run_summary, "r1")

    seen = {label: s for label, s in summary.emotions.items() if s}
    assert seen == pytest.approx({"happy": 0.3, "sad": 0.1, UNCERTAIN: 0.1})
    assert (summary.frames_analyzed, summary.faces, summary.tracks) == (5, 5, 2)
    assert summary.coverage.analyzed_s == pytest.approx(0.5)
    assert summary.coverage.captured == 7
    assert summary.coverage.dropped == {"corrupt": 2}
    assert summary.coverage.uncertain_share == pytest.approx(0.2)


def test_a_run_without_faces_has_no_uncertain_share(engine: Engine) -> None:
    write_run(engine, "r1", {0: [], 1: []})
    summary = in_snapshot(engine, run_summary, "r1")
    assert summary.coverage.uncertain_share is None
    assert sum(summary.emotions.values()) == 0


def test_summaries_keep_the_requested_order(engine: Engine) -> None:
    for name in ("b", "a", "c"):
        write_run(engine, name, {0: [HAPPY]}, source=name)
    summaries = in_snapshot(engine, run_summaries, ["c", "a", "b"])
    assert [one.run_id for one in summaries] == ["c", "a", "b"]
    with pytest.raises(RunNotFoundError):
        in_snapshot(engine, run_summaries, ["a", "unknown"])


@pytest.mark.both_databases
def test_runs_are_listed_newest_first(engine: Engine) -> None:
    write_run(engine, "old", {0: []}, source="door")
    write_run(engine, "new", {0: []}, source="window", state=RunState.FAILED)
    assert [run.run_id for run in in_snapshot(engine, list_runs)] == ["new", "old"]
    assert [run.run_id for run in in_snapshot(engine, list_runs, limit=1)] == ["new"]
    assert [run.run_id for run in in_snapshot(engine, list_runs, source="door")] == ["old"]
    assert [run.run_id for run in in_snapshot(engine, list_runs, state=RunState.FAILED)] == ["new"]
    with engine.begin() as connection:
        connection.execute(update(Run).where(Run.run_id == "new").values(kind="live"))
    newest = in_snapshot(engine, list_runs, limit=1, kind=RunKind.FILE)
    assert [run.run_id for run in newest] == ["old"], "live runs do not count towards the limit"


@pytest.mark.both_databases
def test_open_runs_are_listed_oldest_first_and_named_runs_in_the_requested_order(
    engine: Engine,
) -> None:
    for name, state in (("a", "queued"), ("b", "done"), ("c", "running"), ("d", "queued")):
        write_run(engine, name, {0: []}, state=RunState(state))
    assert [run.run_id for run in in_snapshot(engine, list_open_runs)] == ["a", "c", "d"]
    assert [run.run_id for run in in_snapshot(engine, list_open_runs, limit=2)] == ["a", "c"]
    assert [run.run_id for run in in_snapshot(engine, find_runs, ["c", "b"])] == ["c", "b"]
    with pytest.raises(RunNotFoundError, match="unknown"):
        in_snapshot(engine, find_runs, ["a", "unknown"])


@given(frames=scenes, buckets=st.integers(1, 40))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_timelines_buckets_add_up_to_the_summary(
    engine: Engine, frames: dict[int, list[FaceSpec]], buckets: int
) -> None:
    run_id = f"r{len(in_snapshot(engine, list_runs))}"
    write_run(engine, run_id, frames)

    timeline = in_snapshot(engine, run_timeline, run_id, buckets)
    summary = in_snapshot(engine, run_summary, run_id)

    assert 1 <= len(timeline) <= buckets
    for label in (*EXPRESSIONS, UNCERTAIN):
        total = sum(bucket.emotions.get(label, 0) for bucket in timeline)
        assert total == pytest.approx(summary.emotions[label], abs=1e-6)
    assert sum(bucket.frames for bucket in timeline) == len(frames)
    assert sum(b.analyzed_s for b in timeline) == pytest.approx(summary.coverage.analyzed_s)
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in pairwise(timeline))


@pytest.mark.both_databases
def test_a_time_without_analysed_frames_is_a_gap(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY] for n in [*range(10), *range(40, 50)]})
    timeline = in_snapshot(engine, run_timeline, "r1", 5)
    assert [bucket.is_gap for bucket in timeline] == [False, True, True, False, False]
