"""Given rollups of written runs, timelines, totals and heat maps equal counts of the rows."""

import json
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select, update

from analytics.history.bucket_reader import BucketReader
from analytics.history.hours_of_week.heat_map import heat_map
from analytics.history.local_time import WEEK_S, OffsetSpan
from analytics.history.measures import Measures, measures_from_sums
from analytics.history.moments import MIN_CHANGE, moments
from analytics.history.rollups import roll_up_all
from analytics.history.stored_windows import BucketClock
from analytics.history.timeline import ALL, timeline
from analytics.history.totals import grouped_totals, totals
from analytics.snapshots import in_snapshot
from contracts.errors import SourceNotFoundError
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from contracts.live_sources import LiveState
from contracts.times import MICROS
from records.database import reading, transaction
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S
from records.sources.intervals import StateInterval, write_intervals
from records.sources.live_sources import SourceSettings, add_source, find_source
from records.tables.sources import Source
from tests.history import WrittenRun, at_us, expected_sums, write_history_run

BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
"""Its clocks change by half an hour."""
NEW_YORK = ZoneInfo("America/New_York")
SPRING = datetime(2026, 3, 28, tzinfo=UTC)
"""The day before Berlin's clocks change."""
FOURTH = SPRING + timedelta(days=3)
AUTUMN = datetime(2026, 10, 24, tzinfo=UTC)
"""Begins the day of 25 hours in Berlin."""
HOURS = {
    "door": (0, 1, 5, 22, 23, 24, 25, 30, 46, 47, 48, 60, 70),
    "hall": (1, 2, 25, 168),
    "yard": (1, 2, 25),
}
"""When the runs of each source begin, in hours after SPRING and 17 minutes."""
AUTUMN_MINUTES = (7, 21 * 60 + 59, 24 * 60 + 20, 25 * 60 + 20, 46 * 60 + 50, 47 * 60 + 10)
"""When runs of the door begin after AUTUMN.

They include both hours that Berlin's clocks show twice, and times around its midnights.
"""


@dataclass(frozen=True)
class History:
    """Runs and their rollups, which the tests only read."""

    engine: Engine
    spring: dict[str, list[WrittenRun]]
    autumn: list[WrittenRun]

    @property
    def every_spring_run(self) -> list[WrittenRun]:
        return [run for runs in self.spring.values() for run in runs]


@pytest.fixture(scope="module")
def history(shared_engine: Engine) -> History:
    chance = random.Random(5)

    def write(source: str, begin: datetime) -> WrittenRun:
        return write_history_run(shared_engine, source, at_us(begin), 160, chance, step_ms=500)

    spring = {
        name: [write(name, SPRING + timedelta(hours=hour, minutes=17)) for hour in hours]
        for name, hours in HOURS.items()
    }
    autumn = [write("door", AUTUMN + timedelta(minutes=at)) for at in AUTUMN_MINUTES]
    tags = {"door": ["in"], "hall": ["in", "up"], "yard": ["out"]}
    with transaction(shared_engine) as connection:
        for name, those in tags.items():
            connection.execute(
                update(Source).where(Source.name == name).values(tags=json.dumps(those))
            )
    roll_up_all(shared_engine)
    return History(shared_engine, spring, autumn)


def summed(runs: list[WrittenRun], begin: datetime, end: datetime) -> Measures:
    """Return the measures of [begin, end), counted from the rows."""
    since, until = at_us(begin), at_us(end)
    inside = [
        replace(
            run,
            frames=[one for one in run.frames if since <= one.captured_at_us < until],
            minutes={at: one for at, one in run.minutes.items() if since <= at < until},
        )
        for run in runs
        if run.frames[-1].captured_at_us >= since and run.frames[0].captured_at_us < until
    ]
    sums: Counter[str] = Counter()
    for found in expected_sums([run for run in inside if run.frames], (MINUTE_S,)).values():
        sums += found
    sums["tracks_begun"] = len(tracks(inside, begin, end))
    sums["tracks_carried"] = 0
    return measures_from_sums(sums)


def tracks(runs: list[WrittenRun], begin: datetime, end: datetime) -> set[tuple[str, int]]:
    return {
        (run.run_id, face.track_id)
        for run in runs
        for frame in run.frames
        if at_us(begin) <= frame.captured_at_us < at_us(end)
        for face in frame.faces
    }


@pytest.mark.both_databases
def test_a_bucket_has_the_sums_of_its_time(history: History) -> None:
    runs = [run for run in history.spring["door"] if run.frames[0].captured_at_us < at_us(FOURTH)]
    for zone, step_s in product(
        [UTC, BERLIN, KATHMANDU, NEW_YORK], [QUARTER_S, HOUR_S, DAY_S, WEEK_S]
    ):
        days = 4 if step_s >= HOUR_S else 3
        found = in_snapshot(
            history.engine,
            timeline,
            SPRING,
            SPRING + timedelta(days=days),
            zone,
            sources=["door"],
            step_s=step_s,
        )
        for bucket in found.series["door"]:
            assert bucket.measures == summed(runs, bucket.begin, bucket.end), bucket.begin
            assert bucket.measures.is_gap() == (bucket.measures.frames == 0)
        covered = sum(bucket.measures.frames for bucket in found.series["door"])
        assert covered == sum(len(run.frames) for run in runs)


def test_each_local_day_is_read_once(history: History) -> None:
    """A chart reads thousands of days: sums moved over midnight must not be extra rows."""
    with reading(history.engine) as connection:
        door = connection.execute(select(Source.id).where(Source.name == "door")).scalar_one()
    reader = BucketReader([door], BucketClock(DAY_S, HOUR_S), HOUR_S, together=False)
    begin = SPRING - timedelta(hours=1)
    with reading(history.engine) as connection:
        span = OffsetSpan(at_us(begin), at_us(begin + timedelta(days=3)), HOUR_S)
        found = [index for _, index, _ in reader.read(connection, span)]
    whole = [index for index in found if index != max(found)]
    assert whole and len(set(whole)) == len(whole)


def test_a_day_of_25_hours_is_complete(history: History) -> None:
    engine, runs = history.engine, history.autumn
    span = (AUTUMN, AUTUMN + timedelta(days=3))
    for zone, step_s in product([BERLIN, LORD_HOWE], [QUARTER_S, HOUR_S, DAY_S, WEEK_S]):
        found = in_snapshot(engine, timeline, *span, zone, sources=["door"], step_s=step_s)
        for bucket in found.series["door"]:
            assert bucket.measures == summed(runs, bucket.begin, bucket.end), bucket.begin
        covered = sum(bucket.measures.frames for bucket in found.series["door"])
        assert covered == sum(len(run.frames) for run in runs)
    days = in_snapshot(engine, timeline, *span, BERLIN, step_s=DAY_S).series["door"]
    hours = [(day.end - day.begin).total_seconds() / 3600 for day in days]
    assert 25 in hours


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (SPRING + timedelta(minutes=3), SPRING + timedelta(hours=30, minutes=22)),
        (SPRING, SPRING + timedelta(days=4)),
        (SPRING + timedelta(minutes=17), SPRING + timedelta(minutes=19)),
    ],
)
def test_totals_have_the_sums_of_the_range(
    history: History, since: datetime, until: datetime
) -> None:
    runs = history.spring["door"]
    (total,) = in_snapshot(history.engine, totals, since, until, sources=["door"])
    assert total.now == summed(runs, since, until)
    assert total.before == summed(runs, since - (until - since), since)


@pytest.mark.both_databases
def test_the_heat_map_has_the_hours_of_the_local_week(history: History) -> None:
    span = (SPRING, SPRING + timedelta(days=9))
    cells = in_snapshot(history.engine, heat_map, *span, KATHMANDU)
    reference: Counter[tuple[int, int]] = Counter()
    for run in history.every_spring_run:
        for frame in run.frames:
            at = datetime.fromtimestamp(frame.captured_at_us / 1e6, KATHMANDU)
            reference[at.weekday(), at.hour] += 1
    assert {(cell.weekday, cell.hour): cell.measures.frames for cell in cells} == dict(reference)


def test_sources_are_separate_series_or_combined(history: History) -> None:
    engine = history.engine
    span = (SPRING, SPRING + timedelta(days=1), UTC)
    apart = in_snapshot(engine, timeline, *span)
    together = in_snapshot(engine, timeline, *span, together=True)
    assert set(apart.series) == set(HOURS) and set(together.series) == {ALL}
    hour = SPRING + timedelta(hours=1)
    found = [
        bucket.measures.frames for bucket in together.series[ALL] if bucket.begin.hour == hour.hour
    ]
    at_one = [run for run in history.every_spring_run if _hour_of(run) == 1]
    assert len(at_one) == 3
    assert sum(found) == sum(len(run.frames) for run in at_one)
    assert set(in_snapshot(engine, timeline, *span, sources=["hall"]).series) == {"hall"}
    with pytest.raises(SourceNotFoundError, match="attic"):
        in_snapshot(engine, timeline, *span, sources=["attic"])


def _hour_of(run: WrittenRun) -> int:
    """Return the whole hours from SPRING to the run's begin."""
    return (run.frames[0].captured_at_us - at_us(SPRING)) // (HOUR_S * MICROS)


@pytest.mark.parametrize("step_s", [HOUR_S, DAY_S])
def test_a_tag_can_be_a_series_next_to_its_sources(history: History, step_s: int) -> None:
    engine, runs = history.engine, history.spring
    span = (SPRING, SPRING + timedelta(days=2))
    found = in_snapshot(
        engine, timeline, *span, KATHMANDU, sources=["hall"], groups=["in"], step_s=step_s
    )
    assert (set(found.series), set(found.groups)) == ({"hall"}, {"in"})
    inside = runs["door"] + runs["hall"]
    for bucket in found.groups["in"]:
        begin, end = bucket.begin, bucket.end
        counted = summed(inside, begin, end)
        assert bucket.measures.person_s == counted.person_s
        assert bucket.measures.frames == counted.frames
    lines = in_snapshot(engine, totals, *span, sources=["hall"], tags=["in"])
    hall, both = grouped_totals(lines, sources=["hall"], groups=["in"])
    assert hall.now == summed(runs["hall"], *span)
    assert both.now.frames == sum(len(run.frames) for run in inside if _hour_of(run) < 48)
    assert both.source.display_name == "tag in (2 sources)"
    only = in_snapshot(engine, timeline, *span, UTC, groups=["out", "in"])
    assert not only.series and set(only.groups) == {"in", "out"}
    assert {one.source for one in moments(only)} <= {"tag in", "tag out"}
    with pytest.raises(SourceNotFoundError, match="attic"):
        in_snapshot(engine, timeline, *span, UTC, groups=["attic"])


def test_uptime_is_counted_once_in_every_window(engine: Engine) -> None:
    add_source(engine, "gate", SourceSettings("rtsp://x/y", "rtsp://x/y", None, 5.0, None))
    pk = find_source(engine, "gate").pk
    begin = SPRING + timedelta(minutes=10, seconds=30)

    def write_state(state: LiveState, since_s: float, until_s: float) -> None:
        since, until = begin + timedelta(seconds=since_s), begin + timedelta(seconds=until_s)
        write_intervals(engine, [StateInterval(pk, state, "", since, until)])

    write_state(LiveState.CONNECTING, 0, 5)
    write_state(LiveState.STREAMING, 4.5, 60)  # Overlaps the interval before it.
    write_state(LiveState.STREAMING, 4.5, 60)
    write_state(LiveState.STREAMING, 4.5, 7000)
    (total,) = in_snapshot(engine, totals, SPRING, SPRING + timedelta(hours=3))
    assert (total.now.watched_s, total.now.up_s) == (7000, 6995)
    found = in_snapshot(engine, timeline, SPRING, SPRING + timedelta(hours=3), UTC, step_s=HOUR_S)
    ups = [bucket.measures.up_s for bucket in found.series["gate"]]
    assert sum(ups) == 6995 and ups[1] == 3600


def test_moments_are_the_largest_changes(history: History) -> None:
    span = (SPRING, SPRING + timedelta(hours=4))
    found = in_snapshot(history.engine, timeline, *span, UTC, step_s=MINUTE_S)
    sharpest = moments(found, limit=3)
    assert sharpest and sharpest == tuple(sorted(sharpest, key=lambda one: -one.change))
    for one in sharpest:
        assert MIN_CHANGE <= one.change <= 1 and one.label in (*EXPRESSIONS, UNCERTAIN)
        assert abs(one.now - one.before) <= one.change + 1e-9
