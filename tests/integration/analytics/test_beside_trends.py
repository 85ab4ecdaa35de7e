"""Notes beside the numbers of a range: recordings that are new elsewhere, and copies."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, select, update

from analytics.history.rollups import roll_up_all
from analytics.recordings.beside_trends import Copies, copies_inside, new_elsewhere
from analytics.snapshots import in_snapshot
from contracts.times import to_micros, utc_now
from dashboard.trends.address import read_view
from dashboard.trends.browser import ViewerBrowser
from dashboard.trends.outputs import answer_update
from records.database import reading, transaction
from records.tables.runs import Run
from records.tables.sources import Source
from tests.history import write_history_run
from tests.rows import write_run

DAY = timedelta(days=1)


def write(engine: Engine, run_id: str, at: datetime, copy_of: int | None = None) -> int:
    run_pk = write_run(engine, run_id, {0: [], 10: []}, source=run_id)
    with transaction(engine) as connection:
        values = {"recorded_at": at, "finished_at": utc_now(), "copy_of": copy_of, "counted": True}
        connection.execute(update(Run).where(Run.id == run_pk).values(values))
    return run_pk


def sources(engine: Engine) -> list[int]:
    with reading(engine) as connection:
        return list(connection.scalars(select(Source.id)))


@pytest.mark.both_databases
def test_a_new_recording_of_2019_is_named_with_the_range_that_has_it(engine: Engine) -> None:
    now, old = utc_now(), datetime.fromisoformat("2019-05-01T09:30:00+00:00")
    write(engine, "today", now - timedelta(hours=1))
    write(engine, "old", old)
    write(engine, "older", old - DAY)

    found = in_snapshot(engine, new_elsewhere, sources(engine), (now - DAY, now), now)

    assert found is not None
    assert (found.count, found.since) == (2, old - DAY)
    assert old < found.until < old + timedelta(minutes=1)
    assert "2 recordings that were analysed in the last day are not in this range" in found.text
    inside = (found.since, found.until)
    rest = in_snapshot(engine, new_elsewhere, sources(engine), inside, now)
    assert rest is not None and rest.count == 1
    assert in_snapshot(engine, new_elsewhere, [], (now - DAY, now), now) is None
    later = now + 2 * DAY
    assert in_snapshot(engine, new_elsewhere, sources(engine), (now - DAY, now), later) is None


@pytest.mark.both_databases
def test_content_that_counts_again_is_counted(engine: Engine) -> None:
    now = utc_now()
    first = write(engine, "first", now)
    write(engine, "alone", now)
    for number in range(3):
        write(engine, f"copy-{number}", now + number * DAY, first)
    span = (now - DAY, now + timedelta(hours=30))

    found = in_snapshot(engine, copies_inside, sources(engine), span)

    assert found == Copies(2, 1)
    assert found.text.startswith("2 recordings are copies of 1 with the same content")
    only = in_snapshot(engine, copies_inside, sources(engine)[:1], span)
    assert (only, only.text) == (Copies(0, 0), "")


def test_trends_leads_to_the_time_of_a_new_recording(engine: Engine) -> None:
    begin = datetime.fromisoformat("2019-05-01T09:30:00+00:00")
    run = write_history_run(engine, "old", to_micros(begin), 60, random.Random(1))
    with transaction(engine) as connection:
        values = {"recorded_at": begin, "finished_at": utc_now()}
        connection.execute(update(Run).where(Run.run_id == run.run_id).values(values))
    roll_up_all(engine)

    def notes(query: str) -> str:
        asked = read_view(query, utc_now(), ZoneInfo("UTC"))
        return str(answer_update(engine, asked, ViewerBrowser(ZoneInfo("UTC"))).notes)

    shown = notes("?from=now-24h&to=now")
    assert "1 recording that was analysed in the last day is not in this range" in shown
    assert "trends?from=2019-05-01T09:00:00Z&to=2019-05-01T10:00:00Z" in shown
    assert not notes("?from=2018-05-01T09:00:00Z&to=2018-05-01T10:00:00Z").strip("[]")
