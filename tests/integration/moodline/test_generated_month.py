"""The generated month: its rollups are consistent, and its sources are marked."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add
from pathlib import Path

import pytest
from sqlalchemy import Engine, and_, func, select

from analytics.history.totals import totals
from analytics.snapshots import in_snapshot
from contracts.expressions import EXPRESSIONS
from moodline.demo import generated_month
from moodline.demo.generated_month import DAYS, write_month
from records.database import open_engine, reading
from records.rollups.windows import DAY_S, MINUTE_S, WIDTHS
from records.schema import upgrade
from records.tables.rollups import LABEL_SUMS, PROBABILITY_SUMS, SUMS, rollups
from records.tables.sources import Source

DAY = timedelta(days=1)
UNTIL = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
ADDED = [name for name in SUMS if name != "tracks_carried"]


@pytest.fixture(scope="module")
def engine(sqlite_with_schema: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    path = tmp_path_factory.mktemp("month") / "records.db"
    shutil.copyfile(sqlite_with_schema, path)
    engine = open_engine(f"sqlite:///{path}")
    write_month(engine, UNTIL)
    yield engine
    engine.dispose()


def test_every_rollup_width_has_the_same_sums(engine: Engine) -> None:
    with reading(engine) as connection:
        found = {
            row.width_s: row._mapping
            for row in connection.execute(
                select(
                    rollups.c.width_s, *(func.sum(rollups.c[name]).label(name) for name in ADDED)
                ).group_by(rollups.c.width_s)
            )
        }
    assert set(found) == set(WIDTHS)
    for width_s in WIDTHS:
        assert [found[width_s][name] for name in ADDED] == [found[MINUTE_S][name] for name in ADDED]
    assert found[DAY_S]["faces"] > 100_000


def test_the_sums_of_every_minute_are_possible(engine: Engine) -> None:
    minute = rollups.c
    person_ms = reduce(add, (minute[name] for name in LABEL_SUMS.values()))
    likely = reduce(add, (minute[PROBABILITY_SUMS[label]] for label in EXPRESSIONS))
    possible = and_(
        minute.captured == minute.frames + minute.newest,
        minute.occupied_ms <= minute.analyzed_ms,
        minute.analyzed_ms <= 60_000,
        *(minute[name] >= 0 for name in SUMS),
        func.abs(likely - 1_000_000 * person_ms) <= 10 * person_ms,
    )
    in_minutes = select(func.count(), func.count().filter(possible)).where(
        minute.width_s == MINUTE_S
    )
    with reading(engine) as connection:
        minutes, possible_minutes = connection.execute(in_minutes).one()
    assert minutes == possible_minutes > 3 * DAYS * 24 * 60 / 2


def test_every_source_is_marked_and_every_day_has_data(engine: Engine) -> None:
    with reading(engine) as connection:
        tags = connection.execute(select(Source.tags)).scalars().all()
        span = connection.execute(
            select(func.min(rollups.c.start), func.max(rollups.c.start)).where(
                rollups.c.width_s == MINUTE_S
            )
        ).one()
    assert list(tags) == ['["generated"]'] * 3
    assert (span[1] - span[0]) / 60e6 + 1 == DAYS * 24 * 60


def test_expected_time_is_a_month_and_a_gap_lowers_the_coverage(engine: Engine) -> None:
    lines = {one.source.name: one for one in in_snapshot(engine, totals, UNTIL - 60 * DAY, UNTIL)}
    assert 28 * DAY_S < lines["café"].expected_s < 32 * DAY_S
    assert lines["entrance"].coverage < lines["library"].coverage


@pytest.mark.both_databases
def test_the_month_is_the_same_each_time_and_on_each_database(
    database_url: str, sqlite_with_schema: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generated_month, "DAYS", 2)
    other = shutil.copyfile(sqlite_with_schema, tmp_path / "other.db")
    columns = [one for one in rollups.c if one.name != "source_pk"]
    months = []
    for url in (database_url, f"sqlite:///{other}"):
        engine = open_engine(url)
        upgrade(engine)
        write_month(engine, UNTIL)
        with reading(engine) as connection:
            months.append(connection.execute(select(*columns).order_by(*columns)).all())
        engine.dispose()
    assert months[0] == months[1] and len(months[0]) > 3 * 24 * 60
