"""The last day on the page Now, from a generated month, and what it says of generated data."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from analytics.snapshots import in_snapshot
from contracts.settings import Settings
from contracts.times import utc_now
from dashboard.now.day import DayReader, last_day
from records.database import open_engine
from serving.backend import Backend


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

    assert (day.sources, day.generated) == (3, 3)
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
