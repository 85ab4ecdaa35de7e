"""A scheduler that is killed while it folds leaves rollups that the next one makes whole."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select

from analytics.history.row_sums import Rows, all_sums
from records.database import reading
from records.tables.rollups import SUMS, DirtyWindow, rollups
from records.tables.sources import Source
from records.windows import MINUTE_S
from tests.history import at_us, expected, stored, write_history_run
from tests.integration.test_scheduler import poll

BEGIN = datetime(2026, 3, 29, 0, 50, 30, tzinfo=UTC)
WIDTHS_A_TURN = 3
"""How often one turn passes the failpoint: after each width above the minutes."""


def left_to_fold(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(DirtyWindow)).scalar_one()


@pytest.fixture
def processes() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Those that a test starts; none outlives it."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        one.kill()
        one.wait()


def test_a_scheduler_that_is_killed_in_mid_fold_is_followed_by_one_that_makes_it_whole(
    engine: Engine, processes: list["subprocess.Popen[bytes]"]
) -> None:
    chance = random.Random(1)
    runs = [
        write_history_run(engine, name, at_us(BEGIN), 160, chance, step_ms=3000, batch=80)
        for name in ("door", "hall")
    ]
    dirty = left_to_fold(engine)
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.folding_process", url]

    # In its second turn, between two widths.
    processes.append(subprocess.Popen([*command, f"folding:{WIDTHS_A_TURN + 2}"]))
    assert processes[0].wait(60) == -signal.SIGKILL
    assert left_to_fold(engine) == dirty - 4, "what was in hand is not folded"
    assert stored(engine) != expected(runs)

    processes.append(subprocess.Popen(command))
    poll(lambda: not left_to_fold(engine))
    assert stored(engine) == expected(runs)
    assert _minutes(engine) == _plain_sums(engine)


def _minutes(engine: Engine) -> dict[tuple[int, int], dict[str, int]]:
    with reading(engine) as connection:
        rows = connection.execute(select(rollups).where(rollups.c.width_s == MINUTE_S)).mappings()
        return {
            (row["source_pk"], row["start"]): {name: row[name] for name in SUMS if row[name]}
            for row in rows
        }


def _plain_sums(engine: Engine) -> dict[tuple[int, int], dict[str, int]]:
    """What SQL adds up of the rows."""
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(Source)).scalar_one() == 2
        return all_sums(connection, Rows(0, 2**62))
