"""Summaries and timelines add up to the rows that they were made from."""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from analytics.queries import list_runs, run_summaries, run_summary
from analytics.timelines import run_timeline
from contracts.emotions import EMOTIONS, UNCERTAIN
from contracts.errors import RunNotFoundError
from contracts.records import RunState
from tests.rows import Seen, write_run

HAPPY, SAD, UNSURE = Seen(1, "happy"), Seen(2, "sad"), Seen(1, None)

labels = st.sampled_from([*EMOTIONS, None])
scenes = st.dictionaries(
    st.integers(0, 60),
    st.lists(labels, max_size=3).map(lambda many: [Seen(i + 1, e) for i, e in enumerate(many)]),
    min_size=1,
).map(lambda frames: dict(sorted(frames.items())))


def test_a_face_counts_for_its_frames_dwell(engine: Engine) -> None:
    write_run(engine, "r1", {0: [HAPPY], 1: [HAPPY, SAD], 2: [UNSURE], 3: [], 5: [HAPPY]})

    summary = run_summary(engine, "r1")

    seen = {label: s for label, s in summary.emotions.items() if s}
    assert seen == pytest.approx({"happy": 0.3, "sad": 0.1, UNCERTAIN: 0.1})
    assert (summary.frames_analyzed, summary.faces, summary.tracks) == (5, 5, 2)
    assert summary.coverage.analyzed_s == pytest.approx(0.5)
    assert summary.coverage.captured == 7
    assert summary.coverage.dropped == {"corrupt": 2}
    assert summary.coverage.uncertain_share == pytest.approx(0.2)


def test_a_run_without_faces_has_no_uncertain_share(engine: Engine) -> None:
    write_run(engine, "r1", {0: [], 1: []})
    summary = run_summary(engine, "r1")
    assert summary.coverage.uncertain_share is None
    assert sum(summary.emotions.values()) == 0


def test_many_summaries_come_in_the_order_asked_for(engine: Engine) -> None:
    for name in ("b", "a", "c"):
        write_run(engine, name, {0: [HAPPY]}, source=name)
    assert [s.run_id for s in run_summaries(engine, ["c", "a", "b"])] == ["c", "a", "b"]
    with pytest.raises(RunNotFoundError):
        run_summaries(engine, ["a", "nothing"])


def test_runs_are_listed_newest_first(engine: Engine) -> None:
    write_run(engine, "old", {0: []}, source="door")
    write_run(engine, "new", {0: []}, source="window", state=RunState.FAILED)
    assert [run.run_id for run in list_runs(engine)] == ["new", "old"]
    assert [run.run_id for run in list_runs(engine, limit=1)] == ["new"]
    assert [run.run_id for run in list_runs(engine, source="door")] == ["old"]
    assert [run.run_id for run in list_runs(engine, state=RunState.FAILED)] == ["new"]


@given(frames=scenes, buckets=st.integers(1, 40))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_timelines_buckets_add_up_to_the_summary(
    engine: Engine, frames: dict[int, list[Seen]], buckets: int
) -> None:
    run_id = f"r{len(list_runs(engine))}"
    write_run(engine, run_id, frames)

    timeline = run_timeline(engine, run_id, buckets)
    summary = run_summary(engine, run_id)

    assert 1 <= len(timeline) <= buckets
    for label in (*EMOTIONS, UNCERTAIN):
        total = sum(bucket.emotions.get(label, 0) for bucket in timeline)
        assert total == pytest.approx(summary.emotions[label], abs=1e-6)
    assert sum(bucket.frames for bucket in timeline) == len(frames)
    assert sum(b.analyzed_s for b in timeline) == pytest.approx(summary.coverage.analyzed_s)
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in pairwise(timeline))


def test_what_was_not_analysed_is_a_gap(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY] for n in [*range(10), *range(40, 50)]})
    timeline = run_timeline(engine, "r1", 5)
    assert [bucket.is_gap for bucket in timeline] == [False, True, True, False, False]
