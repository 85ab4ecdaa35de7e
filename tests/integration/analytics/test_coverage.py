"""Given sources and their states, coverage is analysed time divided by expected time."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from analytics.history.rollups import roll_up_all
from analytics.history.timeline import ALL, timeline
from analytics.history.totals import totals
from analytics.snapshots import in_snapshot
from contracts.live_sources import LiveState
from contracts.times import MICROS, utc_now
from records.database import transaction
from records.rollups.windows import HOUR_S
from records.sources.intervals import StateInterval, write_intervals
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    find_source,
    pause_source,
    remove_source,
)
from records.tables.runs import Run
from records.tables.sources import Source
from tests.history import at_us, write_history_run

MONDAY = datetime(2026, 3, 30, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def recorded(engine: Engine, source: str, begin: datetime, frames: int, length_s: float) -> None:
    """Write a recording of length_s seconds with this many analysed frames of 200 ms."""
    run = write_history_run(engine, source, at_us(begin), frames, random.Random(frames))
    with transaction(engine) as connection:
        connection.execute(
            update(Run)
            .where(Run.run_id == run.run_id)
            .values(recorded_at=begin, duration_us=round(length_s * MICROS))
        )


def camera(engine: Engine, name: str, added: datetime) -> int:
    add_source(engine, name, SourceSettings(f"rtsp://{name}/", "", None, None, None))
    with transaction(engine) as connection:
        connection.execute(update(Source).where(Source.name == name).values(created_at=added))
    return find_source(engine, name).pk


def write_state(
    engine: Engine, pk: int, state: LiveState, since: datetime, until: datetime
) -> None:
    write_intervals(engine, [StateInterval(pk, state, "", since, until)])


def expected_s(engine: Engine, since: datetime, until: datetime) -> dict[str, float]:
    return {one.source.name: one.expected_s for one in in_snapshot(engine, totals, since, until)}


def test_a_recording_is_expected_only_for_its_own_length(engine: Engine) -> None:
    recorded(engine, "clip.mp4", MONDAY + HOUR, 151, 30)
    recorded(engine, "half.mp4", MONDAY + 3 * HOUR, 151, 60)
    roll_up_all(engine)
    clip, half = sorted(
        in_snapshot(engine, totals, MONDAY, MONDAY + DAY), key=lambda one: one.source.name
    )
    assert (clip.expected_s, clip.coverage) == (30, 1)
    assert (half.expected_s, half.coverage) == (60, 0.5)
    assert not clip.comparable and clip.expected_before_s == 0
    found = in_snapshot(engine, timeline, MONDAY, MONDAY + DAY, UTC, step_s=HOUR_S, together=True)
    buckets = {bucket.begin: bucket for bucket in found.series[ALL]}
    assert buckets[MONDAY + HOUR].coverage == 1 and buckets[MONDAY + 3 * HOUR].coverage == 0.5
    assert buckets[MONDAY + 2 * HOUR].expected_s == 0
    assert sum(bucket.expected_s for bucket in buckets.values()) == 90


def test_a_camera_is_expected_from_its_addition_until_its_removal(engine: Engine) -> None:
    camera(engine, "door", MONDAY + 6 * HOUR)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 18 * HOUR_S}
    assert expected_s(engine, MONDAY - DAY, MONDAY) == {"door": 0}
    remove_source(engine, "door")
    with transaction(engine) as connection:
        connection.execute(update(Source).values(removed_at=MONDAY + 8 * HOUR))
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 2 * HOUR_S}
    add_source(engine, "door", SourceSettings("rtsp://door/", "", None, None, None))
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 2 * HOUR_S}, (
        "not while it was removed"
    )
    assert 2 * HOUR_S < expected_s(engine, MONDAY, utc_now())["door"] < 2 * HOUR_S + 60


def test_future_time_is_not_expected_of_a_camera(engine: Engine) -> None:
    added = utc_now() - HOUR
    camera(engine, "door", added)
    found = expected_s(engine, added, added + DAY)["door"]
    assert HOUR_S <= found < HOUR_S + 600
    steps = in_snapshot(engine, timeline, added, added + DAY, UTC, step_s=HOUR_S).series["door"]
    assert sum(one.expected_s for one in steps) < HOUR_S + 600


@pytest.mark.both_databases
def test_time_paused_is_not_expected_but_time_failed_is(engine: Engine) -> None:
    pk = camera(engine, "door", MONDAY)
    write_state(engine, pk, LiveState.STREAMING, MONDAY, MONDAY + HOUR)
    write_state(engine, pk, LiveState.PAUSED, MONDAY + HOUR, MONDAY + 2 * HOUR)
    # Unknown for an hour, paused before and after.
    write_state(engine, pk, LiveState.PAUSED, MONDAY + 3 * HOUR, MONDAY + 4 * HOUR)
    write_state(engine, pk, LiveState.FAILED, MONDAY + 4 * HOUR, MONDAY + 6 * HOUR)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 21 * HOUR_S}
    write_state(engine, pk, LiveState.PAUSED, MONDAY + 6 * HOUR, MONDAY + 7 * HOUR)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 20 * HOUR_S}
    pause_source(engine, "door", paused=True)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 3 * HOUR_S}
    found = in_snapshot(engine, timeline, MONDAY, MONDAY + DAY, UTC, step_s=HOUR_S).series["door"]
    assert [round(one.expected_s / HOUR_S) for one in found] == [1, 0, 0, 0, 1, 1, *[0] * 18]
