"""Renamed sources keep their history, and are found by the names that they had."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update

from analytics.history.source_selection import present_names, select_sources
from analytics.now.live_sources import intervals_since
from analytics.runs.run_list import list_runs
from analytics.snapshots import in_snapshot
from contracts.errors import SourceError, SourceNotFoundError
from contracts.live_sources import LiveState
from contracts.runs import RunKind
from contracts.times import utc_now
from records.audit_actions import Action
from records.database import transaction
from records.sources.intervals import StateInterval, write_intervals
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    find_source,
    live_sources,
    pause_source,
    remove_source,
)
from records.sources.renaming import rename_source
from records.tables.operations import AuditEntry
from records.tables.sources import Source
from tests.history import write_history_run

DOOR = SourceSettings("rtsp://door/live", "rtsp://door/live", None, 5.0, 720)


@pytest.mark.both_databases
def test_history_stays_with_a_renamed_source(engine: Engine) -> None:
    run = write_history_run(engine, "door", 1_700_000_000_000_000, 20, random.Random(1))
    with transaction(engine) as connection:  # The run's source is one that can be renamed.
        connection.execute(update(Source).values(kind=RunKind.LIVE, uri="rtsp://door/live"))
    before = find_source(engine, "door")
    since = utc_now() - timedelta(minutes=5)
    state = StateInterval(before.pk, LiveState.STREAMING, "", since, utc_now())
    write_intervals(engine, [state])
    assert rename_source(engine, "door", "entrance", actor="ada") == "door"
    now = find_source(engine, "door")
    assert (now.pk, now.name, now.revision) == (before.pk, "entrance", before.revision + 1)
    for name in ("door", "entrance"):
        (found,) = in_snapshot(engine, select_sources, [name])
        assert (found.name, found.former_names) == ("entrance", ("door",))
        assert present_names([found], [name]) == ("entrance",)
        assert [one.run_id for one in in_snapshot(engine, list_runs, source=name)] == [run.run_id]
    assert list(in_snapshot(engine, intervals_since, since)) == ["entrance"]
    with transaction(engine) as connection:
        entry = connection.execute(
            select(AuditEntry.actor, AuditEntry.details).where(
                AuditEntry.action == Action.SOURCE_RENAMED
            )
        ).one()
    assert entry.actor == "ada" and "door" in entry.details and "entrance" in entry.details


def test_commands_with_the_former_name_change_the_source(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    rename_source(engine, "door", "entrance")
    rename_source(engine, "door", "lobby")
    pause_source(engine, "entrance", paused=True)
    assert [(one.name, one.paused) for one in live_sources(engine)] == [("lobby", True)]
    remove_source(engine, "door")
    with pytest.raises(SourceNotFoundError):
        find_source(engine, "lobby")


def test_a_source_that_has_the_name_now_comes_first(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    rename_source(engine, "door", "entrance")
    add_source(engine, "door", DOOR)
    assert find_source(engine, "door").name == "door"
    assert [one.name for one in in_snapshot(engine, select_sources, ["door"])] == ["door"]
    found = in_snapshot(engine, select_sources)
    assert present_names(found, ["door", "entrance"]) == ("door", "entrance")
    with pytest.raises(SourceError, match="already used"):
        rename_source(engine, "door", "entrance")
    assert rename_source(engine, "entrance", "entrance") == "entrance"


def test_a_source_can_have_its_former_name_back(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    rename_source(engine, "door", "entrance")
    rename_source(engine, "entrance", "door")
    assert [one.name for one in live_sources(engine)] == ["door"]
    assert find_source(engine, "entrance").name == "door"
    (found,) = in_snapshot(engine, select_sources)
    assert found.former_names == ("entrance",)


@pytest.mark.parametrize("name", ["", "0", "a/b", "-x", "x" * 65])
def test_a_new_name_follows_the_same_rules(engine: Engine, name: str) -> None:
    add_source(engine, "door", DOOR)
    with pytest.raises(SourceError):
        rename_source(engine, "door", name)


def test_the_name_of_a_removed_source_is_kept_for_its_history(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    add_source(engine, "hall", DOOR)
    remove_source(engine, "hall")
    with pytest.raises(SourceError, match="was removed"):
        rename_source(engine, "door", "hall")
