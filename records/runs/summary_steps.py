"""Summary steps of a run: sums over equal parts of its media time, in three widths.

A long run is shown from them, so the cost does not depend on the number of its rows. They change in
the transaction that adds or removes the rows, so the two never differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

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
from records.upsert import Upsert, upsert_for_dialect

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
    the sums of their parts in the first and in the last step.
    """

    first: int
    last: int
    count: int
    dwell_ms: int
    in_first_us: int
    in_last_us: int

    def by_step(self, width_us: int) -> Iterator[tuple[int, int, int]]:
        """Yield (step, seen, time_us) for each step that the dwells touch, in order."""
        if self.first == self.last:
            yield self.last, self.count, self.dwell_ms * 1000
            return
        yield self.first, 0, self.in_first_us
        for step in range(self.first + 1, self.last):
            yield step, 0, self.count * width_us
        yield self.last, self.count, self.in_last_us


def steps_of_frames(results: Iterable[FrameResult]) -> StepSums:
    """Return the sums that these frames add to their run's steps."""
    sums: StepSums = {}
    for result in results:
        labels = [(face.track_id, face.smoothed_emotion or UNCERTAIN) for face in result.faces]
        labels.append((FRAMES_TRACK_ID, OCCUPIED if result.faces else EMPTY))
        for width_s in STEP_WIDTHS:
            for step, seen, time_us in _dwell_by_step(
                result.media_time_us, result.dwell_ms, width_s
            ):
                for track_id, label in labels:
                    add_to_step(sums, (width_s, step, track_id, label), seen, time_us)
    return sums


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


def _dwell_by_step(media_us: int, dwell_ms: int, width_s: int) -> Sequence[tuple[int, int, int]]:
    """Return (step, seen, time_us) of one frame: its dwell touches one step or two."""
    width_us, dwell_us = width_s * MICROS, dwell_ms * 1000
    last = max(media_us, 0) // width_us
    first = max(media_us - dwell_us, 0) // width_us
    if first == last:
        return ((last, 1, dwell_us),)
    in_last = media_us - last * width_us
    return ((first, 0, dwell_us - in_last), (last, 1, in_last))


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
def _add_statement(dialect: str) -> Upsert:
    statement = upsert_for_dialect(dialect, SummaryStep)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["run_pk", "width_s", "step", "track_id", "label"],
        set_={"seen": SummaryStep.seen + new.seen, "time_us": SummaryStep.time_us + new.time_us},
    )
