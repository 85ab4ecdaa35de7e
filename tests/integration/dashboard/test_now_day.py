"""The last day on the page Now, from a generated month, and what it says of generated data."""

import random
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from analytics.history.rollups import roll_up_all
from analytics.snapshots import in_snapshot
from contracts.settings import Settings
from contracts.times import utc_now
from dashboard.now.day import DayReader, last_day
from records.database import open_engine
from serving.backend import Backend
from tests.history import at_us, write_history_run


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_the_last_day_sums_all_sources_and_counts_those_that_are_generated(
    month_database: Path, tmp_path: Path
) -> None:
    shutil.copyfile(month_database, tmp_path / "month.db")
    engine, now = open_engine(f"sqlite:///{tmp_path / 'month.db'}"), utc_now()
    day = in_snapshot(engine, last_day, now)
    engine.dispose()

    assert (day.sources, day.generated, day.since) == (3, 3, now - timedelta(days=1))
    assert len(day.steps) in (96, 97) and day.coverage == pytest.approx(1.0, abs=0.05)
    summed = sum(sum(one.person_s.values()) for one in day.steps)
    assert summed == pytest.approx(sum(day.person_s.values()))
    assert day.happiest is not None and now - timedelta(days=1, hours=1) < day.happiest < now
    assert 0 < day.happiest_share < 1


def test_a_day_without_anybody_has_nothing_to_show_and_is_read_once(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    clock = Clock()
    reader = DayReader(Backend(sqlite_engine, Settings(home=tmp_path)), clock)
    day = reader.read()
    assert (sum(day.person_s.values()), day.happiest, day.coverage) == (0, None, None)
    clock.now_s += 20
    assert reader.read() is day
    clock.now_s += 20
    assert reader.read() is not day


def test_the_first_minutes_of_a_history_fill_the_chart(sqlite_engine: Engine) -> None:
    now = utc_now()
    begun = now - timedelta(minutes=12)
    write_history_run(sqlite_engine, "door", at_us(begun), 300, random.Random(1), step_ms=1000)
    roll_up_all(sqlite_engine)
    day = in_snapshot(sqlite_engine, last_day, now)
    assert begun - timedelta(minutes=1) <= day.since <= begun
    assert 12 <= len(day.steps) <= 14 and day.happiest is not None
