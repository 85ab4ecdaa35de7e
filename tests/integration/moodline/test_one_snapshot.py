"""Given a question of a page or a command, all parts of its answer come from one snapshot."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, event

from analytics.history.rollups import roll_up_all
from analytics.snapshots import in_snapshot
from contracts.times import utc_now
from dashboard.trends.address import read_view
from dashboard.trends.browser import ViewerBrowser
from dashboard.trends.exports.bucket_rows import bucket_rows
from dashboard.trends.exports.csv_export import csv_lines
from dashboard.trends.outputs import answer_update
from moodline.commands.history.trends_report import TrendsRequest, print_trends
from tests.history import at_us, write_history_run

BERLIN = ZoneInfo("Europe/Berlin")
SPAN = timedelta(days=1)


@pytest.fixture
def history(engine: Engine) -> Engine:
    chance = random.Random(1)
    for name in ("door", "hall"):
        write_history_run(engine, name, at_us(utc_now() - timedelta(hours=2)), 60, chance)
    roll_up_all(engine)
    return engine


@pytest.fixture
def begun(history: Engine) -> Iterator[list[Connection]]:
    """The transactions that the test began."""
    found: list[Connection] = []

    def listen(connection: Connection) -> None:
        found.append(connection)

    event.listen(history, "begin", listen)
    yield found
    event.remove(history, "begin", listen)


def trends_page(engine: Engine, query: str) -> None:
    asked = read_view(query, utc_now(), BERLIN)
    update = answer_update(engine, asked, ViewerBrowser(BERLIN))
    assert not update.error and not update.results_hidden


def trends_csv(engine: Engine) -> None:
    view = read_view("", utc_now(), BERLIN).view
    found = in_snapshot(engine, bucket_rows, view, BERLIN, utc_now())
    assert len([*csv_lines(found)]) > 1


def trends_command(engine: Engine) -> None:
    now = utc_now()
    print_trends(engine, TrendsRequest(now - SPAN, now, BERLIN), as_json=False)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(
            lambda engine: trends_page(engine, ""),
            id="Trends page",
            marks=pytest.mark.both_databases,
        ),
        pytest.param(lambda engine: trends_page(engine, "?mode=lines"), id="Trends page, lines"),
        pytest.param(trends_csv, id="Trends CSV"),
        pytest.param(trends_command, id="moodline trends"),
    ],
)
def test_a_question_begins_one_transaction(
    history: Engine, begun: list[Connection], ask: Callable[[Engine], None]
) -> None:
    ask(history)
    assert len(begun) == 1
