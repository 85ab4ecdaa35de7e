"""Steps and limits of ranges: defaults, odd offsets, and ranges that are refused."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine

from analytics.history.hours_of_week.heat_map import heat_map
from analytics.history.local_time import WEEK_S, auto_step
from analytics.history.rollups import roll_up_all
from analytics.history.timeline import timeline
from analytics.history.totals import totals
from analytics.snapshots import in_snapshot
from contracts.errors import SettingsError
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S
from tests.history import at_us, write_history_run

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = datetime(2026, 3, 28, tzinfo=UTC)


def test_the_step_grows_with_the_range(engine: Engine) -> None:
    spans = [timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=365)]
    steps = [in_snapshot(engine, timeline, SPRING, SPRING + span, UTC).step_s for span in spans]
    assert steps == [MINUTE_S, 5 * MINUTE_S, HOUR_S, WEEK_S]
    with pytest.raises(SettingsError, match="too fine"):
        in_snapshot(engine, timeline, SPRING, SPRING + timedelta(days=7), UTC, step_s=MINUTE_S)
    with pytest.raises(SettingsError, match="empty"):
        in_snapshot(engine, timeline, SPRING, SPRING, UTC)


@pytest.mark.parametrize(
    ("since", "until"), [(1, 2), (1899, 2026), (1990, 2026), (2026, 2300), (1, 9999)]
)
def test_an_unsupported_range_is_rejected(engine: Engine, since: int, until: int) -> None:
    begin, end = (datetime(year, 1, 2, tzinfo=UTC) for year in (since, until))
    with pytest.raises(SettingsError, match=r"outside of the supported years|too long"):
        in_snapshot(engine, timeline, begin, end, BERLIN)
    with pytest.raises(SettingsError, match=r"outside of the supported years|too long"):
        in_snapshot(engine, totals, begin, end)


def test_an_odd_utc_offset_is_rounded_to_a_quarter_of_an_hour(engine: Engine) -> None:
    at = datetime(1930, 5, 1, 12, tzinfo=UTC)  # Amsterdam was 19 min 32 s ahead.
    run = write_history_run(engine, "door", at_us(at), 60, random.Random(1), step_ms=60_000)
    roll_up_all(engine)
    zone = ZoneInfo("Europe/Amsterdam")
    for step_s in (QUARTER_S, HOUR_S, DAY_S):
        found = in_snapshot(
            engine, timeline, at, at + timedelta(days=3), zone, step_s=step_s
        ).series["door"]
        assert sum(bucket.measures.frames for bucket in found) == len(run.frames)
    (cell, *more) = in_snapshot(engine, heat_map, at, at + timedelta(days=3), zone)
    assert sum(one.measures.frames for one in (cell, *more)) == len(run.frames)


def test_a_year_has_weekly_buckets_by_default_and_daily_ones_on_request(engine: Engine) -> None:
    year = (SPRING, SPRING + timedelta(days=365))
    assert auto_step(*year) == WEEK_S
    found = in_snapshot(engine, timeline, *year, ZoneInfo("UTC"), step_s=DAY_S)
    assert found.step_s == DAY_S
