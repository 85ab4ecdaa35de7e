"""A range is fitted to the history: to a new one's begin, or to what was analysed last."""

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from analytics.history.extent import first_analysed, fitted_range, last_analysed
from analytics.history.rollups import roll_up_all
from analytics.history.source_selection import history_sources
from records.database import reading
from tests.history import at_us, write_history_run

NOW = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def fitted(engine: Engine, *begins: datetime) -> tuple[datetime, datetime]:
    """Write a run of five minutes at each time, and fit the last day."""
    for number, begin in enumerate(begins):
        chance = random.Random(f"{begin} {number}")
        write_history_run(engine, f"source {begin}", at_us(begin), 300, chance, step_ms=1000)
    roll_up_all(engine)
    with reading(engine) as connection:
        pks = [one.pk for one in history_sources(connection)]
        return fitted_range(connection, pks, NOW - DAY, NOW)


def test_without_history_the_range_stays(engine: Engine) -> None:
    assert fitted(engine) == (NOW - DAY, NOW)


def test_the_first_minutes_fill_the_chart(engine: Engine) -> None:
    assert fitted(engine, NOW - 5 * MINUTE) == (NOW - 10 * MINUTE, NOW), "not only two buckets"
    later = fitted(engine, NOW - 3 * timedelta(hours=1))
    assert later == (NOW - 3 * timedelta(hours=1), NOW)


def test_an_older_history_leaves_the_range_as_it_is(engine: Engine) -> None:
    assert fitted(engine, NOW - 5 * MINUTE, NOW - 40 * DAY) == (NOW - DAY, NOW)


def test_an_old_recording_is_shown_where_it_is(engine: Engine) -> None:
    begin = datetime(2019, 7, 1, 10, tzinfo=UTC)
    since, until = fitted(engine, begin)
    assert (since, until) == (begin - 5 * MINUTE, begin + 5 * MINUTE)
    with reading(engine) as connection:
        pks = [one.pk for one in history_sources(connection)]
        assert (first_analysed(connection, pks), last_analysed(connection, pks)) == (
            begin,
            begin + 5 * MINUTE,
        )
