"""Coverage is of the time that could have been seen: one definition for all that shows it."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from analytics.history.coverage import Expected, comparable, coverage
from analytics.history.rollups import fold_all
from analytics.history.trends import ALL, timeline, totals
from contracts.live_sources import LiveState
from contracts.times import MICROS, from_micros, utc_now
from records.database import transaction
from records.sources.intervals import IntervalNews, write_intervals
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    find_source,
    pause_source,
    remove_source,
)
from records.tables.runs import Run
from records.tables.sources import Source
from records.windows import HOUR_S
from tests.history import at_us, write_history_run

MONDAY = datetime(2026, 3, 30, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECONDS = st.integers(0, 300)


def at(seconds: int) -> datetime:
    return from_micros(seconds * MICROS)


@given(st.lists(st.tuples(SECONDS, SECONDS)), st.lists(SECONDS, min_size=2, max_size=2))
def test_expected_time_is_counted_second_by_second(
    pairs: list[tuple[int, int]], ends: list[int]
) -> None:
    intervals = [(min(one), max(one)) for one in pairs]
    since, until = sorted(ends)
    counted = sum(
        begin <= second < end for second in range(since, until) for begin, end in intervals
    )
    found = Expected([(begin * MICROS, end * MICROS) for begin, end in intervals])
    assert found.seconds(at(since), at(until)) == counted
    assert found.seconds(at(until), at(since)) == 0


def test_what_nobody_expected_is_covered_where_it_was_seen() -> None:
    assert (coverage(3, 0), coverage(0, 0), coverage(5, 4), coverage(1, 4)) == (1, 0, 1, 0.25)


def test_times_are_compared_that_are_as_long_and_were_seen() -> None:
    assert comparable([60, 40], [60, 40])
    assert not comparable([60, 30], [60, 30])
    assert not comparable([60, 30], [60, 60])
    assert not comparable([60, 0], [60, 0])


def recorded(engine: Engine, source: str, begin: datetime, frames: int, length_s: float) -> None:
    """A recording of that length, of which so many frames of 200 ms were analysed."""
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


def was(engine: Engine, pk: int, state: LiveState, since: datetime, until: datetime) -> None:
    write_intervals(engine, [IntervalNews(pk, state, "", since, until)])


def expected_s(engine: Engine, since: datetime, until: datetime) -> dict[str, float]:
    return {one.source.name: one.expected_s for one in totals(engine, since, until)}


def test_a_recording_covers_its_own_time_alone_and_beside_others(engine: Engine) -> None:
    recorded(engine, "clip.mp4", MONDAY + HOUR, 151, 30)
    recorded(engine, "half.mp4", MONDAY + 3 * HOUR, 151, 60)
    fold_all(engine)
    clip, half = sorted(totals(engine, MONDAY, MONDAY + DAY), key=lambda one: one.source.name)
    assert (clip.expected_s, clip.coverage) == (30, 1)
    assert (half.expected_s, half.coverage) == (60, 0.5)
    assert not clip.comparable and clip.expected_before_s == 0
    found = timeline(engine, MONDAY, MONDAY + DAY, UTC, step_s=HOUR_S, together=True)
    steps = {bucket.begin: bucket for bucket in found.series[ALL]}
    assert steps[MONDAY + HOUR].coverage == 1 and steps[MONDAY + 3 * HOUR].coverage == 0.5
    assert steps[MONDAY + 2 * HOUR].expected_s == 0
    assert sum(bucket.expected_s for bucket in steps.values()) == 90


def test_a_camera_is_expected_from_when_it_was_added_until_it_was_removed(engine: Engine) -> None:
    camera(engine, "door", MONDAY + 6 * HOUR)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 18 * HOUR_S}
    assert expected_s(engine, MONDAY - DAY, MONDAY) == {"door": 0}
    remove_source(engine, "door")
    with transaction(engine) as connection:
        connection.execute(update(Source).values(removed_at=MONDAY + 8 * HOUR))
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 2 * HOUR_S}
    add_source(engine, "door", SourceSettings("rtsp://door/", "", None, None, None))
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 2 * HOUR_S}, "it was away"
    assert 2 * HOUR_S < expected_s(engine, MONDAY, utc_now())["door"] < 2 * HOUR_S + 60


def test_what_is_still_to_come_is_not_expected_of_a_camera(engine: Engine) -> None:
    added = utc_now() - HOUR
    camera(engine, "door", added)
    found = expected_s(engine, added, added + DAY)["door"]
    assert HOUR_S <= found < HOUR_S + 600
    steps = timeline(engine, added, added + DAY, UTC, step_s=HOUR_S).series["door"]
    assert sum(one.expected_s for one in steps) < HOUR_S + 600


def test_a_pause_is_not_expected_but_a_failure_is(engine: Engine) -> None:
    pk = camera(engine, "door", MONDAY)
    was(engine, pk, LiveState.STREAMING, MONDAY, MONDAY + HOUR)
    was(engine, pk, LiveState.PAUSED, MONDAY + HOUR, MONDAY + 2 * HOUR)
    # Nobody watched for an hour; it was paused before and after.
    was(engine, pk, LiveState.PAUSED, MONDAY + 3 * HOUR, MONDAY + 4 * HOUR)
    was(engine, pk, LiveState.FAILED, MONDAY + 4 * HOUR, MONDAY + 6 * HOUR)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 21 * HOUR_S}
    was(engine, pk, LiveState.PAUSED, MONDAY + 6 * HOUR, MONDAY + 7 * HOUR)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 20 * HOUR_S}
    pause_source(engine, "door", paused=True)
    assert expected_s(engine, MONDAY, MONDAY + DAY) == {"door": 3 * HOUR_S}
    found = timeline(engine, MONDAY, MONDAY + DAY, UTC, step_s=HOUR_S).series["door"]
    assert [round(one.expected_s / HOUR_S) for one in found] == [1, 0, 0, 0, 1, 1, *[0] * 18]
