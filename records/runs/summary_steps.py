"""Summary steps of a run: sums over equal parts of its media time, in three widths.

A long run is shown from them, so the cost does not depend on the number of its rows. They change in
the transaction that adds or removes the rows, so the two never differ.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete

from contracts.expressions import UNCERTAIN
from contracts.frame_results import FrameResult
from contracts.times import MICROS
from records.tables.summary_steps import (
    EMPTY,
    FRAMES_TRACK_ID,
    OCCUPIED,
    STEP_WIDTHS,
    SummaryStep,
)
from records.upsert import upsert_for_dialect

if TYPE_CHECKING:
    from records.upsert import Upsert

# Plain tuples: a worker builds dozens of them for each frame.
StepKey = tuple[int, int, int, str]
"""(width_s, step, track_id, label)."""
StepSum = tuple[int, int]
"""(seen, time_us)."""
StepSums = dict[StepKey, StepSum]


@dataclass(frozen=True, slots=True)
class DwellGroup:
    """Dwells that all begin in one step and all end in another, or the same one.

    first, last: the steps. count: how many dwells. dwell_ms: their sum. in_first_us, in_last_us:
    the sums of their parts in the first and in the last step. ahead: whether their frames lie in
    the first step, and not in the last.
    """

    first: int
    last: int
    count: int
    dwell_ms: int
    in_first_us: int
    in_last_us: int
    ahead: bool

    def by_step(self, width_us: int) -> Iterator[tuple[int, int, int]]:
        """Yield (step, seen, time_us) for each step that the dwells touch, in order."""
        if self.first == self.last:
            yield self.last, self.count, self.dwell_ms * 1000
            return
        seen_first, seen_last = (self.count, 0) if self.ahead else (0, self.count)
        yield self.first, seen_first, self.in_first_us
        for step in range(self.first + 1, self.last):
            yield step, 0, self.count * width_us
        yield self.last, seen_last, self.in_last_us


def steps_of_frames(results: Iterable[FrameResult], left_out: Collection[int] = ()) -> StepSums:
    """Return the sums that these frames add to their run's steps.

    left_out: tracks that do not count.
    """
    sums: StepSums = {}
    for result in results:
        labels = [
            (face.track_id, face.smoothed_emotion or UNCERTAIN)
            for face in result.faces
            if face.track_id not in left_out
        ]
        labels.append((FRAMES_TRACK_ID, OCCUPIED if labels else EMPTY))
        add_frame_steps(sums, result, labels)
    return sums


def add_frame_steps(sums: StepSums, frame: FrameResult, labels: Sequence[tuple[int, str]]) -> None:
    """Add a frame's dwell to the steps that it touches, for each (track_id, label)."""
    for width_s in STEP_WIDTHS:
        for step, seen, time_us in _dwell_by_step(frame, width_s * MICROS):
            for track_id, label in labels:
                add_to_step(sums, (width_s, step, track_id, label), seen, time_us)


def add_to_step(sums: StepSums, key: StepKey, seen: int, time_us: int) -> None:
    """Add to one step's sums, which start at zero."""
    before = sums.get(key)
    sums[key] = (seen, time_us) if before is None else (before[0] + seen, before[1] + time_us)


def add_steps(connection: Connection, run_pk: int, sums: Mapping[StepKey, StepSum]) -> None:
    """Add to a run's steps. The caller holds the run's row in `run_state`, to avoid deadlocks."""
    if sums:
        connection.execute(_add_statement(connection.dialect.name), _rows(run_pk, sums, 1))


def subtract_steps(connection: Connection, run_pk: int, sums: Mapping[StepKey, StepSum]) -> None:
    """Subtract the sums of rows that are about to be removed, and delete steps that become zero.

    The caller holds the run's row in `run_state`, to avoid deadlocks.
    """
    if not sums:
        return
    connection.execute(_add_statement(connection.dialect.name), _rows(run_pk, sums, -1))
    for width_s in STEP_WIDTHS:
        steps = [step for width, step, _, _ in sums if width == width_s]
        connection.execute(
            delete(SummaryStep).where(
                SummaryStep.run_pk == run_pk,
                SummaryStep.width_s == width_s,
                SummaryStep.step.between(min(steps), max(steps)),
                SummaryStep.seen == 0,
                SummaryStep.time_us == 0,
            )
        )


def _dwell_by_step(result: FrameResult, width_us: int) -> Iterable[tuple[int, int, int]]:
    """Return (step, seen, time_us) of one frame, for each step that its dwell touches."""
    at_us, dwell_us, ahead = result.media_time_us, result.dwell_ms * 1000, result.dwells_ahead
    begin = at_us if ahead else at_us - dwell_us
    end = begin + dwell_us
    first = max(begin, 0) // width_us
    # A dwell ahead of its frame does not touch the step that begins where it ends.
    last = max(max(end - 1, begin) if ahead else end, 0) // width_us
    if first == last:
        return ((last, 1, dwell_us),)
    in_first, in_last = (first + 1) * width_us - begin, end - last * width_us
    return DwellGroup(first, last, 1, result.dwell_ms, in_first, in_last, ahead).by_step(width_us)


def _rows(run_pk: int, sums: Mapping[StepKey, StepSum], sign: int) -> list[dict[str, int | str]]:
    return [
        {
            "run_pk": run_pk,
            "width_s": width_s,
            "step": step,
            "track_id": track_id,
            "label": label,
            "seen": sign * seen,
            "time_us": sign * time_us,
        }
        for (width_s, step, track_id, label), (seen, time_us) in sorted(sums.items())
    ]


@cache  # A worker executes it with every commit.
def _add_statement(dialect: str) -> "Upsert":
    statement = upsert_for_dialect(dialect, SummaryStep)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["run_pk", "width_s", "step", "track_id", "label"],
        set_={"seen": SummaryStep.seen + new.seen, "time_us": SummaryStep.time_us + new.time_us},
    )
