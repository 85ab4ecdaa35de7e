"""Live sources on SQLite and PostgreSQL: names, changes, claims, and state intervals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from analytics.now.live_sources import latest_intervals, time_in_states
from analytics.now.live_status import UNSUPERVISED, live_status
from analytics.snapshots import in_snapshot
from broker.heartbeats import Heartbeats
from broker.reports import ServiceReport
from contracts.errors import SourceError, SourceNotFoundError
from contracts.live_sources import LiveSource, LiveState
from contracts.times import utc_now
from records.database import transaction
from records.runs.queue import enqueue_file
from records.sources.claims import SupervisorIdentity, claim_sources, release_sources
from records.sources.intervals import StateInterval, write_intervals
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    edit_source,
    find_source,
    live_sources,
    pause_source,
    remove_source,
)
from records.tables.sources import Source
from runtime.process_identity import claimant_name
from tests.rows import FILE_JOB

DOOR = SourceSettings("rtsp://door/live", "rtsp://door/live", None, 5.0, 720, ("front",))


def names(sources: list[LiveSource]) -> list[str]:
    return [source.name for source in sources]


def test_each_change_increments_the_revision(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    seen = [find_source(engine, "door")]
    edit_source(engine, "door", replace(DOOR, sampling_fps=10.0))
    pause_source(engine, "door", paused=True)
    seen.append(find_source(engine, "door"))
    assert [(one.sampling_fps, one.paused) for one in seen] == [(5.0, False), (10.0, True)]
    assert seen[0].revision + 2 == seen[1].revision
    assert seen[0].tags == ("front",)


@pytest.mark.both_databases
def test_a_removed_source_can_be_added_again(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    first = find_source(engine, "door")
    remove_source(engine, "door")
    assert live_sources(engine) == []
    with pytest.raises(SourceNotFoundError):
        pause_source(engine, "door", paused=True)
    add_source(engine, "door", replace(DOOR, uri="rtsp://door/other"))
    again = find_source(engine, "door")
    assert (again.pk, again.uri) == (first.pk, "rtsp://door/other")
    assert again.revision > first.revision


def test_a_name_can_be_used_once(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    with pytest.raises(SourceError, match="already"):
        add_source(engine, "door", DOOR)
    with transaction(engine) as connection:
        enqueue_file(connection, FILE_JOB, claimant=None, lease_s=1, again=False)
    with pytest.raises(SourceError, match="recordings"):
        add_source(engine, FILE_JOB.source, DOOR)


@pytest.mark.parametrize("name", ["", " ", "0", "a/b", "-x", "..", "a\nb", "x" * 65])
def test_a_name_that_resembles_something_else_is_rejected(engine: Engine, name: str) -> None:
    with pytest.raises(SourceError):
        add_source(engine, name, DOOR)


@pytest.mark.both_databases
def test_a_source_has_one_supervisor_at_a_time(engine: Engine) -> None:
    here = SupervisorIdentity(claimant_name(), "here", 60)
    there = SupervisorIdentity("there:1:1", "there", 60)
    add_source(engine, "door", DOOR)
    add_source(engine, "desk", replace(DOOR, uri="0", host="there"))
    assert names(claim_sources(engine, here, renew=False)) == ["door"]
    assert names(claim_sources(engine, there, renew=True)) == ["desk"]
    release_sources(engine, here.name)
    assert names(claim_sources(engine, there, renew=False)) == ["desk", "door"]
    assert claim_sources(engine, here, renew=True) == []


@pytest.mark.both_databases
def test_sources_of_a_dead_supervisor_are_free_when_its_lease_expires(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    claim_sources(engine, SupervisorIdentity("gone:1:1", "gone", 0.0), renew=False)
    here = SupervisorIdentity(claimant_name(), "here", 60)
    assert names(claim_sources(engine, here, renew=False)) == ["door"]


@pytest.mark.both_databases
def test_uptime_counts_stored_intervals_only(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    pk, begin = find_source(engine, "door").pk, datetime(2026, 11, 23, 9, tzinfo=UTC)

    def at(minute: float) -> datetime:
        return begin + timedelta(minutes=minute)

    streaming = StateInterval(pk, LiveState.STREAMING, "", at(0), at(10))
    write_intervals(engine, [streaming])
    # The same interval, extended; then a gap without a supervisor; then an outage.
    away = StateInterval(pk, LiveState.BACKING_OFF, "no route", at(40), at(50))
    write_intervals(engine, [replace(streaming, until=at(30)), away])
    write_intervals(engine, [replace(away, reason="refused", until=at(55))])
    assert in_snapshot(engine, time_in_states, "door", at(20), at(60)) == {
        LiveState.STREAMING: 600.0,
        LiveState.BACKING_OFF: 900.0,
    }
    latest = in_snapshot(engine, latest_intervals, "door", limit=5)
    assert [(one.state, one.reason) for one in latest] == [
        (LiveState.BACKING_OFF, "refused"),
        (LiveState.STREAMING, ""),
    ]


@pytest.mark.both_databases
def test_a_clock_that_is_set_back_adds_one_interval(engine: Engine) -> None:
    add_source(engine, "door", DOOR)
    pk, begin = find_source(engine, "door").pk, datetime(2026, 11, 23, 9, tzinfo=UTC)
    for since in (begin, begin - timedelta(hours=1)):
        for seconds in range(5, 335, 5):
            until = since + timedelta(seconds=seconds)
            write_intervals(engine, [StateInterval(pk, LiveState.STREAMING, "", since, until)])
    assert len(in_snapshot(engine, latest_intervals, "door", limit=50)) == 2
    spent = in_snapshot(
        engine, time_in_states, "door", begin - timedelta(hours=2), begin + timedelta(hours=1)
    )
    assert spent == {LiveState.STREAMING: 660.0}


def test_a_source_is_not_said_to_be_unwatched_while_ingest_runs(engine: Engine) -> None:
    """A source was shown as dead, with "Start `moodline up`", until it was first reported."""
    ingest = ServiceReport(
        "ingest:1", "ingest", "here", 1, "running", "", "2026-11-23T09:00:00+00:00"
    )
    add_source(engine, "door", DOOR)
    add_source(engine, "desk", replace(DOOR, host="there"))

    def seen(*services: ServiceReport) -> dict[str, tuple[str, str]]:
        found = in_snapshot(engine, live_status, Heartbeats(services=services))
        return {one.name: (one.state, one.reason) for one in found}

    assert seen(ingest)["door"] == (LiveState.CONNECTING, "")
    assert seen(ingest)["desk"] == (
        UNSUPERVISED,
        "only host there reads it. Start `moodline ingest` there",
    )
    assert "Start `moodline up`" in seen()["door"][1]
    with transaction(engine) as connection:
        connection.execute(update(Source).values(created_at=utc_now() - timedelta(minutes=5)))
    state, reason = seen(ingest)["door"]
    assert state == UNSUPERVISED and "on here runs" in reason and "moodline up" not in reason
