"""The answer about one source: its day, its week, its states, its settings and its runs."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, event, insert, update

from analytics.history.rollups import roll_up_all
from analytics.now.live_status import UNSUPERVISED
from analytics.snapshots import in_snapshot
from analytics.sources.answer import SourceAnswer, source_answer
from broker.heartbeats import Heartbeats
from contracts.alerts.events import EventDetails, EventKind
from contracts.alerts.rule import Severity
from contracts.errors import SourceNotFoundError
from contracts.live_sources import LiveState
from contracts.runs import RunKind
from records.alerts.event_log import NewEvent, write_event
from records.database import transaction
from records.rollups.windows import MINUTE_S, QUARTER_S
from records.sources.intervals import StateInterval, write_intervals
from records.sources.live_sources import SourceSettings, add_source, find_source, remove_source
from records.sources.renaming import rename_source
from records.tables.alerts import AlertEvent
from records.tables.runs import DeadLetter, Run
from records.tables.sources import Source
from tests.history import at_us, write_history_run
from tests.rows import write_run

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
CAMERA = SourceSettings("rtsp://x/y", "rtsp://x/y", None, 5.0, 640, tags=("hall",))


def asked(engine: Engine, name: str, now: datetime = NOW) -> SourceAnswer:
    return in_snapshot(engine, source_answer, name, Heartbeats(), BERLIN, now)


def write_camera(engine: Engine, *begins: datetime, since: datetime) -> None:
    """Write a camera that was added at `since`, and ten minutes of it from each begin."""
    for number, begin in enumerate(begins):
        write_history_run(
            engine, "door", at_us(begin), 600, random.Random(number), step_ms=1000, batch=300
        )
    roll_up_all(engine)
    with engine.begin() as connection:
        values = {"kind": RunKind.LIVE, "created_at": since}
        connection.execute(update(Source).where(Source.name == "door").values(values))
        connection.execute(update(Run).values(kind=RunKind.LIVE))


@pytest.mark.both_databases
def test_today_is_compared_with_yesterday_and_the_week_has_seven_days(engine: Engine) -> None:
    write_camera(
        engine,
        NOW - timedelta(hours=1),
        NOW - timedelta(hours=25),
        NOW - timedelta(days=3),
        since=NOW - timedelta(days=3),
    )
    found = asked(engine, "door")
    day = found.day
    # Midnight in Berlin.
    assert (day.since, day.until) == (datetime(2026, 3, 3, 23, tzinfo=UTC), NOW)
    assert day.is_today and day.step_s == QUARTER_S
    assert sum(one.measures.frames for one in day.buckets) == 600
    assert day.total.now.frames == day.total.before.frames == 600
    assert day.verdict is not None and day.verdict.earlier.name == "yesterday"
    assert [one.measures.frames for one in found.week] == [0, 0, 0, 600, 0, 600, 600]
    assert found.week[-1].begin == day.since and found.week[-1].partial
    assert (found.is_camera, found.run_count, len(found.runs)) == (True, 3, 3)


def test_five_minutes_after_it_was_added_its_day_is_as_long_as_its_history(
    engine: Engine,
) -> None:
    added = NOW - timedelta(minutes=15)
    write_camera(engine, added, since=added)
    day = asked(engine, "door").day
    assert (day.since, day.until, day.step_s) == (added, NOW, MINUTE_S)
    assert day.is_today and day.total.coverage == pytest.approx(10 / 15, abs=0.01)


def test_of_a_recording_the_day_is_the_last_one_that_has_history(engine: Engine) -> None:
    begin = NOW - timedelta(days=40)
    write_history_run(engine, "party.mp4", at_us(begin), 300, random.Random(1), step_ms=1000)
    roll_up_all(engine)
    found = asked(engine, "party.mp4")
    assert (found.is_camera, found.live, found.states) == (False, None, ())
    assert found.day.until == begin + timedelta(minutes=5)
    assert not found.day.is_today and found.day.verdict is None
    assert found.day.total.now.frames == 300
    assert found.week[-1].measures.frames == 300


@pytest.mark.both_databases
def test_a_camera_has_its_state_settings_and_the_states_of_seven_days(engine: Engine) -> None:
    add_source(engine, "door", CAMERA)
    add_source(engine, "other", CAMERA)
    for name in ("door", "other"):
        pk = find_source(engine, name).pk
        for days in (1, 8):
            since = NOW - timedelta(days=days)
            live = StateInterval(pk, LiveState.STREAMING, "", since, since + timedelta(hours=1))
            write_intervals(engine, [live])
    run_pk, door = write_run(engine, "r1", {0: []}), find_source(engine, "door").pk
    letter = {"run_pk": run_pk, "seq": 1, "reason": "x", "at": NOW - timedelta(hours=2)}
    with engine.begin() as connection:
        connection.execute(insert(DeadLetter).values(**letter))
        connection.execute(update(Run).values(source_pk=door))
    found = asked(engine, "door")
    assert found.live is not None
    assert (found.live.name, found.live.state) == ("door", UNSUPERVISED)
    assert (found.live.tags, found.fps_limit) == (("hall",), 5.0)
    assert [one.since for one in found.states] == [NOW - timedelta(days=1)]
    assert found.dead_letters == 1
    assert found.day.total.now.is_gap() and found.day.is_today


def test_a_former_name_finds_it_a_removed_one_has_its_past_and_none_is_an_error(
    engine: Engine,
) -> None:
    add_source(engine, "door", CAMERA)
    rename_source(engine, "door", "gate", actor="test")
    assert asked(engine, "door").source.name == "gate"
    remove_source(engine, "gate")
    removed = asked(engine, "gate")
    assert removed.live is None and removed.removed_at is not None and removed.is_camera
    with pytest.raises(SourceNotFoundError, match="no source 'gates'"):
        asked(engine, "gates")


def test_the_statements_do_not_grow_with_the_sources(sqlite_engine: Engine) -> None:
    add_source(sqlite_engine, "door", CAMERA)
    counts = []
    for number in range(2):
        statements: list[str] = []

        def count(*given: object, kept: list[str] = statements) -> None:
            kept.append(str(given[2]))

        event.listen(sqlite_engine, "before_cursor_execute", count)
        asked(sqlite_engine, "door")
        event.remove(sqlite_engine, "before_cursor_execute", count)
        counts.append(len(statements))
        for other in range(20):
            add_source(sqlite_engine, f"more {number} {other}", CAMERA)
    assert counts[0] == counts[1] <= 55


def test_alerts_that_are_open_or_of_the_last_days_are_in_the_answer(engine: Engine) -> None:
    write_camera(engine, NOW - timedelta(hours=1), since=NOW - timedelta(days=30))
    pk = asked(engine, "door").source.pk

    def fired(source: int, at: datetime, resolved_at: datetime | None) -> None:
        details = EventDetails("angry", "share of angry above 30 %", 0.3, "%", at, at)
        kind, severity = EventKind.FIRED, Severity.WARNING
        new = NewEvent(kind, 1, f"{at}", severity, source, "door", at, at, 0.4, details)
        with transaction(engine) as connection:
            number = write_event(connection, new, [])
            values = {"resolved_at": resolved_at}
            connection.execute(update(AlertEvent).where(AlertEvent.id == number).values(**values))

    old, late = NOW - timedelta(days=20), NOW - timedelta(hours=2)
    fired(pk, old, None)
    fired(pk, old + timedelta(days=1), old + timedelta(days=2))
    fired(pk, late, NOW)
    fired(pk + 1, late, None)
    found = asked(engine, "door").alerts
    assert [(one.at, one.is_open) for one in found] == [(old, True), (late, False)]
