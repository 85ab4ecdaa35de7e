"""Markers of some sources, of all, and of others."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert

from analytics.snapshots import snapshot
from contracts.runs import RunKind
from dashboard.trends.marks.markers import markers_in
from records.database import transaction
from records.markers import MarkerFilter, Note, add_marker, list_markers
from records.tables.sources import Source

DAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
SPAN = (DAY, DAY + timedelta(days=1))


def source(engine: Engine, name: str) -> int:
    with transaction(engine) as connection:
        row = insert(Source).values(name=name, kind=RunKind.LIVE, created_at=DAY)
        return int(connection.execute(row.returning(Source.id)).scalar_one())


def test_many_markers_of_other_sources_hide_none(sqlite_engine: Engine) -> None:
    door, hall = source(sqlite_engine, "door"), source(sqlite_engine, "hall")
    for minute in range(305):
        add_marker(sqlite_engine, hall, at(minute, "of others"), actor="a")
    add_marker(sqlite_engine, door, at(400, "new door"), actor="a")
    add_marker(sqlite_engine, None, at(401, "holiday"), actor="a")

    with snapshot(sqlite_engine) as connection:
        found = markers_in(connection, [door], SPAN)

    assert [one.text for one in found] == ["new door", "holiday"]


def test_whoever_sees_some_sources_sees_no_marker_of_all(engine: Engine) -> None:
    door = source(engine, "door")
    add_marker(engine, door, at(0, "new door"), actor="a")
    add_marker(engine, None, at(1, "holiday"), actor="a")

    with snapshot(engine) as connection:
        limited = list_markers(connection, MarkerFilter(sources=[door]), limit=9)
        whole = list_markers(connection, MarkerFilter(sources=[door], general=True), limit=9)

    assert [one.text for one in limited] == ["new door"]
    assert [one.text for one in whole] == ["new door", "holiday"]


def at(minute: int, text: str) -> Note:
    moment = DAY + timedelta(minutes=minute)
    return Note(moment, moment, text)
