"""The verdict that follows from facts: one rule a test, and none of them reads anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics.health.facts import DeadLetters, Disk, Facts, JobFact, Servers, SilentTarget, Stored
from analytics.health.gone_services import gone_services
from analytics.health.judgement import judge
from analytics.health.verdict import Kind, Level, Verdict
from analytics.now.live_status import LiveStatus, observed_state
from analytics.now.overview import OpenRun
from analytics.scheduling.job_plans import JobPlan, built_in_plans
from broker.heartbeats import Heartbeats
from broker.reports import ServiceReport, SourceReport, WorkerReport
from contracts.live_sources import UNANALYZED
from contracts.runs import RunState
from contracts.settings import Settings
from contracts.times import utc_now
from records.seen_services import SeenProcess, ServiceProcess

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CAM = LiveStatus(
    name="door",
    kind="live",
    state="streaming",
    reason="",
    since=(NOW - 600 * SECOND).isoformat(),
    fps=5.0,
    last_frame_age_s=0.1,
    watched_by="here",
    uri="rtsp://door",
    tags=(),
    run_id="r1",
    captured=10,
    analyzed=10,
    sampled_out=0,
    dropped={},
)
WORKER = WorkerReport("w", "here", 7, "cpu", "m@1", ("r1",))
RUN = OpenRun("r9", "talk.mp4", RunState.QUEUED, 0, None, None, None, NOW - 60 * SECOND, None)


def service(name: str, state: str = "running", reason: str = "") -> ServiceReport:
    return ServiceReport(f"{name}:c", name, "here", 8, state, reason, NOW.isoformat())


SERVICES = (service("ingest"), service("scheduler"), service("dashboard"))
ALIVE = Heartbeats(workers=(WORKER,), services=SERVICES)


def facts(
    heartbeats: Heartbeats | None = ALIVE, servers: Servers | None = None, **stored: Any
) -> Facts:
    found = Stored(**({"live": [CAM]} | stored))
    return Facts(NOW, servers or Servers("redis://b", "", False), heartbeats, found)


def kinds(verdict: Verdict) -> list[Kind]:
    return [one.kind for one in verdict.problems]


def seen(name: str, started_s: int, seen_s: int, number: int = 1, **more: Any) -> SeenProcess:
    """A process that began and was last seen so many seconds ago."""
    process = ServiceProcess(f"{name}-{number}", name, "there", number)
    return SeenProcess(
        process, NOW - started_s * SECOND, NOW - seen_s * SECOND, more.get("stopped_at")
    )


def test_all_that_runs_is_healthy() -> None:
    verdict = judge(facts())
    assert (verdict.level, verdict.problems, verdict.level.exit_status) == (Level.HEALTHY, (), 0)


def test_a_fresh_home_is_healthy_although_nothing_runs() -> None:
    assert judge(facts(None, Servers(), live=())).level is Level.HEALTHY


def test_cameras_that_nobody_reads_are_down_and_up_mends_it() -> None:
    verdict = judge(facts(None, Servers(), live=[CAM, replace(CAM, name="hall")]))
    assert (verdict.level, verdict.level.exit_status) == (Level.DOWN, 2)
    (problem,) = verdict.problems
    assert problem.text == "moodline is not running: door and hall are not read."
    assert problem.remedy.command == "moodline up"


def test_without_a_worker_the_system_is_down_since_the_last_one() -> None:
    dead = seen("worker", 900, 20)
    verdict = judge(facts(replace(ALIVE, workers=()), seen=[dead]))
    assert kinds(verdict) == [Kind.NO_WORKER]
    (problem,) = verdict.problems
    assert (verdict.level, problem.since) == (Level.DOWN, dead.seen_at)
    assert problem.remedy.command == "moodline worker"
    assert "process 1" in problem.text


def test_without_work_no_worker_is_missed() -> None:
    assert judge(facts(Heartbeats(services=SERVICES), live=())).level is Level.HEALTHY


def test_one_dead_worker_of_two_degrades() -> None:
    verdict = judge(facts(seen=[seen("worker", 900, 20)]))
    assert (verdict.level, kinds(verdict)) == (Level.DEGRADED, [Kind.SERVICE_GONE])
    assert verdict.level.exit_status == 1


def test_without_a_scheduler_it_is_said_what_does_not_happen() -> None:
    verdict = judge(facts(replace(ALIVE, services=(service("ingest"),))))
    assert (verdict.level, kinds(verdict)) == (Level.DEGRADED, [Kind.NO_SCHEDULER])
    assert "Trends" in verdict.problems[0].text


def test_without_ingest_the_sources_are_not_named_as_well() -> None:
    dead = replace(CAM, state="dead", reason="no process", since=None, watched_by=None)
    verdict = judge(facts(replace(ALIVE, services=(service("scheduler"),)), live=[dead]))
    assert kinds(verdict) == [Kind.NO_INGEST]


@pytest.mark.parametrize(
    ("servers", "unknown"),
    [
        (Servers("redis://b", "refused"), ("sources", "workers", "services")),
        (Servers("", "", True, "gone"), ("sources", "runs", "jobs", "workers", "services")),
    ],
)
def test_what_cannot_be_known_is_unknown_and_not_gone(
    servers: Servers, unknown: tuple[str, ...]
) -> None:
    stored = None if servers.database_error else Stored(live=[replace(CAM, state="unknown")])
    verdict = judge(Facts(NOW, servers, None, stored))
    assert (verdict.level, verdict.unknown) == (Level.UNKNOWN, unknown)
    assert len(verdict.problems) == 1 and verdict.level.exit_status == 2


def test_a_source_that_reconnects_is_no_problem_for_fifteen_seconds() -> None:
    away = replace(CAM, name="hall", state="backing_off", reason="refused")
    for seconds, expected in ((10, []), (20, [Kind.SOURCE_OFFLINE])):
        live_until = {"hall": NOW - seconds * SECOND}
        verdict = judge(facts(live=[CAM, away], live_until=live_until))
        assert kinds(verdict) == expected
    assert verdict.problems[0].since == NOW - 20 * SECOND
    assert verdict.problems[0].text == "hall is offline: refused."


def test_a_new_source_may_take_a_minute_to_connect() -> None:
    new = replace(CAM, name="new", state="connecting", since=(NOW - 30 * SECOND).isoformat())
    assert judge(facts(live=[CAM, new])).level is Level.HEALTHY
    old = replace(new, since=(NOW - 90 * SECOND).isoformat())
    assert judge(facts(live=[CAM, old])).level is Level.DEGRADED


def test_when_no_source_is_live_the_system_is_down() -> None:
    failed = replace(CAM, state="failed", reason="wrong password")
    verdict = judge(facts(live=[failed]))
    assert (verdict.level, kinds(verdict)) == (Level.DOWN, [Kind.SOURCE_FAILED])


def test_paused_sources_need_nothing() -> None:
    paused = replace(CAM, state="paused")
    assert judge(facts(None, Servers(), live=[paused])).level is Level.HEALTHY


def test_frames_that_no_worker_holds_are_not_live() -> None:
    since = (utc_now() - timedelta(hours=1)).isoformat()
    report = SourceReport("door", "streaming", "", since, "here", "r1")
    assert observed_state(report, {"r1"}, None).state == "streaming"
    committed = utc_now() - timedelta(minutes=2)
    found = observed_state(report, set(), committed)
    assert (found.state, found.since) == ("unanalyzed", committed.isoformat())
    # A run changes its worker, or has just begun.
    assert observed_state(report, set(), utc_now()).state == "streaming"
    assert observed_state(replace(report, run_id=""), set(), None).state == "streaming"
    stalled = replace(report, state="stalled", reason=UNANALYZED)
    assert observed_state(stalled, {"r1"}, None).state == "unanalyzed"


def test_queued_recordings_wait_for_somebody() -> None:
    verdict = judge(facts(None, Servers(), live=(), runs=[RUN]))
    assert (verdict.level, kinds(verdict)) == (Level.DEGRADED, [Kind.RUN_STUCK])
    assert verdict.problems[0].since == RUN.queued_at
    by_command = replace(RUN, ingestor="host:1:2", claimed=True)
    assert judge(facts(None, Servers(), live=(), runs=[by_command])).level is Level.HEALTHY
    by_service = replace(RUN, ingestor="c", claimed=True)
    no_worker = judge(facts(replace(ALIVE, workers=()), live=(), runs=[by_service]))
    assert kinds(no_worker) == [Kind.NO_WORKER]


def test_what_living_processes_report_counts() -> None:
    late = replace(WORKER, latency_p95_s=8.2, refusals=("door: the detector is missing",))
    services = (*SERVICES[:1], service("scheduler", "trouble", "disk I/O error"))
    verdict = judge(facts(Heartbeats(workers=(late,), services=services)))
    assert set(kinds(verdict)) == {Kind.WORKER_LAG, Kind.RUN_REFUSED, Kind.SERVICE_TROUBLE}
    assert "8 s late" in verdict.line() and "disk I/O error" in verdict.line()
    young = replace(seen("worker", 30, 5), process=ServiceProcess("w", "worker", "here", 7))
    loading = judge(
        facts(replace(ALIVE, workers=(replace(WORKER, latency_p95_s=8.2),)), seen=[young])
    )
    assert loading.level is Level.HEALTHY, "frames have waited for its model"


def test_disks() -> None:
    def with_free(free: int, *, holds_records: bool = True) -> Verdict:
        disk = Disk("/home/x", free, 10**9, holds_records)
        return judge(replace(facts(), disks=[disk]))

    assert with_free(2 * 10**9).level is Level.HEALTHY
    assert kinds(with_free(5 * 10**8)) == [Kind.DISK_LOW]
    assert (with_free(10**6).level, kinds(with_free(10**6))) == (Level.DOWN, [Kind.DISK_FULL])
    assert kinds(with_free(10**6, holds_records=False)) == [Kind.DISK_LOW]


def test_upkeep() -> None:
    fine = JobFact("rollups", None, None, "", NOW - 20 * SECOND)
    cases: list[tuple[dict[str, Any], list[Kind]]] = [
        ({"jobs": [fine], "minutes_wait": True}, []),
        ({"jobs": [replace(fine, error="no space")]}, [Kind.JOB_FAILED]),
        ({"jobs": [replace(fine, overdue_since=NOW)]}, [Kind.JOB_OVERDUE]),
        (
            {"jobs": [replace(fine, finished_at=NOW - 400 * SECOND)], "minutes_wait": True},
            [Kind.ROLLUPS_OLD],
        ),
        ({"jobs": [replace(fine, finished_at=NOW - 400 * SECOND)]}, []),
        ({"jobs": [replace(fine, name="health", error="down: x")]}, []),
        ({"removal_waits_until": NOW + 3600 * SECOND}, [Kind.CLOCK_SET]),
        (
            {
                "removal_waits_until": NOW + 3600 * SECOND,
                "jobs": [replace(fine, name="retention", overdue_since=NOW)],
            },
            [Kind.CLOCK_SET],
        ),
        ({"dead_letters": DeadLetters({"door": 2}, NOW)}, [Kind.DEAD_LETTERS]),
        (
            {"silent_targets": [SilentTarget("phone", NOW, "HTTP status 500")]},
            [Kind.ALERTS_UNDELIVERED],
        ),
    ]
    for stored, expected in cases:
        assert kinds(judge(facts(**stored))) == expected, stored


def test_gone_services_are_those_that_nothing_replaced() -> None:
    alive = Heartbeats(workers=(replace(WORKER, id="worker-9"),))
    old, heir = seen("worker", 900, 300, 1), seen("worker", 280, 5, 9)
    other = seen("worker", 900, 200, 2)
    stopped = seen("worker", 900, 100, 3, stopped_at=NOW)
    ancient = seen("worker", 200_000, 90_000, 4)
    everyone = [old, heir, other, stopped, ancient]
    assert gone_services(everyone, alive, NOW) == (other,), "the first gone has the heir"
    older_heir = seen("worker", 900, 5, 9)
    assert gone_services([old, older_heir], alive, NOW) == (old,), "it was there before"
    assert gone_services([old, seen("worker", 900, 10, 5)], None, NOW) == (old,)


def test_jobs_are_overdue_ten_minutes_after_their_time() -> None:
    zone = Settings().timezone
    folder = JobPlan("folder a", 60, None, zone)
    assert folder.overdue_since(NOW - 300 * SECOND, NOW) is None
    assert folder.overdue_since(NOW - 900 * SECOND, NOW) == NOW - 840 * SECOND
    retention = next(one for one in built_in_plans(zone) if one.name == "retention")
    night = datetime(2026, 11, 29, 3, 15, tzinfo=UTC)
    assert retention.overdue_since(night, NOW) is None
    assert retention.overdue_since(night - timedelta(days=1), NOW) == night


def test_the_problem_of_a_source_leads_to_its_page() -> None:
    failed = replace(CAM, name="gate 1/2 ü", state="failed", reason="HTTP 401", since=None)
    (problem,) = judge(facts(live=[failed, CAM])).problems
    assert (problem.subject, problem.remedy.page) == (failed.name, "sources/gate%201%2F2%20%C3%BC")
    assert problem.remedy.label == "Open the source"
