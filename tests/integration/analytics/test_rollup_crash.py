"""Given a scheduler killed during a roll-up, the next scheduler completes the rollups."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select

from analytics.history.row_sums import RowRange, row_sums
from records.database import reading
from records.rollup_windows import MINUTE_S
from records.tables.rollups import SUMS, DirtyWindow, rollups
from records.tables.sources import Source
from tests.e2e.commands import poll
from tests.history import at_us, expected_sums, stored_sums, write_history_run

BEGIN = datetime(2026, 3, 29, 0, 50, 30, tzinfo=UTC)
WIDTHS_PER_BATCH = 3
"""How often one batch passes the failpoint: once for each width above the minute."""


def dirty_minutes(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(DirtyWindow)).scalar_one()


@pytest.fixture
def processes() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Processes started by the test, killed at its end."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for one in started:
        one.kill()
        one.wait()


def test_the_next_scheduler_completes_the_rollups_of_a_killed_one(
    engine: Engine, processes: list["subprocess.Popen[bytes]"]
) -> None:
    chance = random.Random(1)
    runs = [
        write_history_run(engine, name, at_us(BEGIN), 160, chance, step_ms=3000, batch=80)
        for name in ("door", "hall")
    ]
    dirty = dirty_minutes(engine)
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.rollup_process", url]

    # In its second batch, between two widths.
    processes.append(subprocess.Popen([*command, f"folding:{WIDTHS_PER_BATCH + 2}"]))
    assert processes[0].wait(60) == -signal.SIGKILL
    assert dirty_minutes(engine) == dirty - 4, "the second batch was rolled back"
    assert stored_sums(engine) != expected_sums(runs)

    processes.append(subprocess.Popen(command))
    poll(lambda: not dirty_minutes(engine))
    assert stored_sums(engine) == expected_sums(runs)
    assert _minutes(engine) == _plain_sums(engine)


def _minutes(engine: Engine) -> dict[tuple[int, int], dict[str, int]]:
    with reading(engine) as connection:
        rows = connection.execute(select(rollups).where(rollups.c.width_s == MINUTE_S)).mappings()
        return {
            (row["source_pk"], row["start"]): {name: row[name] for name in SUMS if row[name]}
            for row in rows
        }


def _plain_sums(engine: Engine) -> dict[tuple[int, int], dict[str, int]]:
    """Return the sums of the rows, computed directly."""
    with reading(engine) as connection:
        assert connection.execute(select(func.count()).select_from(Source)).scalar_one() == 2
        return row_sums(connection, RowRange(0, 2**62))
