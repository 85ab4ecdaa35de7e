"""The table of a run's steps: what equal stretches of its media time add up to, in three widths.

A long run is shown from them, so that what it costs does not depend on how many rows it has. They
are part of the transaction that adds or removes rows: there is no time at which they differ.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete

from contracts.expressions import UNCERTAIN
from contracts.frame_results import FrameResult
from contracts.times import MICROS
from records.tables.run_steps import EMPTY, FRAMES, OCCUPIED, STEP_WIDTHS, RunStep
from records.upsert import upsert_of

Key = tuple[int, int, int, str]
"""(width_s, step, track_id, label)."""
Sums = dict[Key, tuple[int, int]]
"""(seen, time_us) by key."""


def steps_of(results: Iterable[FrameResult]) -> Sums:
    """What these frames add to their run's steps."""
    found: Sums = {}
    for result in results:
        shown = [(face.track_id, face.smoothed_emotion or UNCERTAIN) for face in result.faces]
        shown.append((FRAMES, OCCUPIED if result.faces else EMPTY))
        for width_s in STEP_WIDTHS:
            for step, seen, time_us in _spread(result.media_time_us, result.dwell_ms, width_s):
                for track_id, label in shown:
                    _add(found, (width_s, step, track_id, label), seen, time_us)
    return found


def spread_sums(row: Any, width_us: int) -> Iterator[tuple[int, int, int]]:
    """(step, seen, time_us) of many dwells that begin in step `first`, and end in step `last`.

    row: that, how many they are, their sum, and what of them lies in the first and last step.
    """
    if row.first == row.last:
        yield row.last, row.rows, int(row.dwell_ms) * 1000
        return
    yield row.first, 0, int(row.in_first)
    for step in range(row.first + 1, row.last):
        yield step, 0, row.rows * width_us
    yield row.last, row.rows, int(row.in_last)


def add_steps(connection: Connection, run_pk: int, sums: Mapping[Key, tuple[int, int]]) -> None:
    """Add to a run's steps, while its row in run_state is held: two never wait for each other."""
    if sums:
        connection.execute(_adding(connection.dialect.name), _rows(run_pk, sums, 1))


def take_steps(connection: Connection, run_pk: int, sums: Mapping[Key, tuple[int, int]]) -> None:
    """Take what is about to go out of a run's steps, as `add_steps`; none is left of nothing."""
    if not sums:
        return
    connection.execute(_adding(connection.dialect.name), _rows(run_pk, sums, -1))
    for width_s in STEP_WIDTHS:
        steps = [step for width, step, _, _ in sums if width == width_s]
        connection.execute(
            delete(RunStep).where(
                RunStep.run_pk == run_pk,
                RunStep.width_s == width_s,
                RunStep.step.between(min(steps), max(steps)),
                RunStep.seen == 0,
                RunStep.time_us == 0,
            )
        )


def _spread(media_us: int, dwell_ms: int, width_s: int) -> Sequence[tuple[int, int, int]]:
    width_us, dwell_us = width_s * MICROS, dwell_ms * 1000
    last = max(media_us, 0) // width_us
    first = max(media_us - dwell_us, 0) // width_us
    if first == last:
        return ((last, 1, dwell_us),)
    in_last = media_us - last * width_us
    return ((first, 0, dwell_us - in_last), (last, 1, in_last))


def _add(found: Sums, key: Key, seen: int, time_us: int) -> None:
    before = found.get(key)
    found[key] = (seen, time_us) if before is None else (before[0] + seen, before[1] + time_us)


def _rows(run_pk: int, sums: Mapping[Key, tuple[int, int]], sign: int) -> list[dict[str, Any]]:
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


@cache
def _adding(dialect: str) -> Any:
    """Built once: a worker executes it with each commit."""
    statement = upsert_of(dialect, RunStep)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["run_pk", "width_s", "step", "track_id", "label"],
        set_={"seen": RunStep.seen + new.seen, "time_us": RunStep.time_us + new.time_us},
    )
