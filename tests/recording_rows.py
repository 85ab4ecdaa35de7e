"""Thousands of recordings in the records, without rows of faces: what a list has to show."""

from datetime import timedelta

from sqlalchemy import Engine, insert

from contracts.runs import RunKind, RunState
from records.database import transaction
from records.json_columns import encode_tags
from records.tables.runs import Run, RunProgress
from records.tables.sources import Source
from tests.rows import FILE_JOB, START

STATES = (*[RunState.DONE] * 16, RunState.FAILED, RunState.QUEUED, RunState.CANCELLED)


def write_recordings(engine: Engine, count: int, first: int = 1) -> list[str]:
    """Write recordings P0001.mp4 and so on, each of a day of its own; return their run ids.

    Every tenth is a copy of the first one. The tags are "day" and one of four groups.
    """
    numbers = range(first, first + count)
    run_ids = [f"260102-{number:08x}" for number in numbers]
    with transaction(engine) as connection:
        connection.execute(insert(Source), [_source(number) for number in numbers])
        connection.execute(insert(Run), [_run(number, first) for number in numbers])
        connection.execute(
            insert(RunProgress),
            [
                {"run_pk": number, "frames_analyzed": 100, "frames_captured": 100, "faces": number}
                for number in numbers
            ],
        )
    return run_ids


def _source(number: int) -> dict[str, object]:
    return {
        "id": number,
        "name": f"interviews/P{number:04}.mp4",
        "kind": RunKind.FILE,
        "created_at": START,
        "tags": encode_tags(("day", f"group {'ABCD'[number % 4]}")),
    }


def _run(number: int, first: int) -> dict[str, object]:
    state = STATES[number % len(STATES)]
    is_copy = state is RunState.DONE and number % 10 == 0 and number > first
    return {
        "id": number,
        "run_id": f"260102-{number:08x}",
        "source_pk": number,
        "identity": f"{number}",
        "kind": RunKind.FILE,
        "uri": f"/srv/interviews/P{number:04}.mp4",
        "content_hash": f"{number:064x}",
        "detector": FILE_JOB.detector,
        "model_version": FILE_JOB.model_version,
        "options": FILE_JOB.stored_options(),
        "state": state,
        "error": "P is cut off: copy it again" if state is RunState.FAILED else "",
        "recorded_at": None if state is RunState.QUEUED else START + timedelta(hours=7 * number),
        "recorded_at_origin": None
        if state is RunState.QUEUED
        else ("container", "mtime_end", "recorded_at", "set")[number % 4],
        "duration_us": (number % 97 + 1) * 10_000_000,
        "queued_at": START + timedelta(minutes=number),
        "finished_at": START + timedelta(minutes=number + 1),
        "copy_of": first if is_copy else None,
    }
