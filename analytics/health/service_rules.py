"""The rules on servers and services: what runs, what is missing, and what has died."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from analytics.health.facts import Facts, Stored
from analytics.health.gone_services import gone_services
from analytics.health.verdict import Kind, Level, Problem, Remedy
from analytics.now.overview import OpenRun
from analytics.runs.number_text import count_text
from broker.heartbeats import Heartbeats
from contracts.live_sources import LiveState
from records.seen_services import SeenProcess

_LATE_S: Final = 5.0
"""Results of live frames that come later than this are late."""
_WARM: Final = timedelta(seconds=60)
_TROUBLE: Final = "trouble"
_UP: Final = "moodline up"
_DOWN: Final = "moodline down"
_SERVICES: Final = Remedy("moodline status", "system#services", "Open services")
_WORK_OF: Final = {
    "worker": "no frame is analysed",
    "ingest": "no camera and no recording is read",
    "scheduler": "Trends gets no new data, and nothing is removed by its age",
}
_MISSING: Final = {
    "worker": (Kind.NO_WORKER, Level.DOWN),
    "ingest": (Kind.NO_INGEST, Level.DOWN),
    "scheduler": (Kind.NO_SCHEDULER, Level.DEGRADED),
}


def server_problems(facts: Facts) -> Iterator[Problem]:
    """Yield what is wrong with database and broker."""
    servers = facts.servers
    doctor = Remedy("moodline doctor", "system#services", "Open services")
    if servers.database_error:
        text = f"The database cannot be used: {servers.database_error}."
        mends = Remedy("moodline db upgrade") if servers.outdated else doctor
        yield Problem(Kind.DATABASE_AWAY, Level.UNKNOWN, "database", text, None, mends)
    if servers.broker_error:
        text = f"The broker cannot be used: {servers.broker_error}."
        yield Problem(Kind.BROKER_AWAY, Level.UNKNOWN, "broker", text, None, doctor)


def service_problems(facts: Facts) -> Iterator[Problem]:
    """Yield what is wrong with the services. Nothing, if broker or database cannot be read."""
    stored, heartbeats = facts.stored, facts.heartbeats
    if stored is None or facts.servers.broker_error:
        return
    if heartbeats is None:
        yield from _not_running(stored)
        return
    gone = gone_services(stored.seen, heartbeats, facts.now)
    missing = [one for one in _needed(stored, heartbeats) if not _runs(one, heartbeats)]
    for service in missing:
        yield _missing(service, gone, embedded=facts.servers.embedded)
    for one in gone:
        if one.process.service not in missing:
            yield _gone(one, embedded=facts.servers.embedded)
    yield from _troubles(heartbeats)
    young = young_workers(stored, facts.now)
    yield from _lag(heartbeats, young, embedded=facts.servers.embedded)


def _not_running(stored: Stored) -> Iterator[Problem]:
    """Yield what waits for `moodline up`, which does not run."""
    live = live_names(stored)
    start = Remedy(_UP)
    if live:
        text = f"moodline is not running: {_and(live)} {_is(live)} not read."
        yield Problem(Kind.NOT_RUNNING, Level.DOWN, "", text, None, start)
    if waiting := waiting_runs(stored, None):
        recordings = count_text(len(waiting), "recording")
        text = f"{recordings} {_wait(waiting)} to be analysed, and moodline is not running."
        since = min(one.queued_at for one in waiting)
        yield Problem(Kind.RUN_STUCK, Level.DEGRADED, "", text, since, start)


def _needed(stored: Stored, heartbeats: Heartbeats) -> Sequence[str]:
    """Return the services without which something does not happen that should."""
    live, waiting = live_names(stored), waiting_runs(stored, heartbeats)
    needed = ["worker", "ingest"] if live or waiting else []
    if live or stored.folders or stored.minutes_wait:
        needed.append("scheduler")
    return needed


def _runs(service: str, heartbeats: Heartbeats) -> bool:
    if service == "worker":
        return bool(heartbeats.workers)
    return any(one.service == service for one in heartbeats.services)


def _missing(service: str, gone: Sequence[SeenProcess], *, embedded: bool) -> Problem:
    """Return the problem that no process of a needed service runs."""
    kind, level = _MISSING[service]
    last = next((one for one in gone if one.process.service == service), None)
    noun = "ingest service" if service == "ingest" else service
    text = f"No {noun} is running: {_WORK_OF[service]}."
    if last is not None:
        text += f" The last one was on {last.process.host}, process {last.process.pid}."
    remedy = _start(service, embedded=embedded)
    return Problem(kind, level, service, text, last.seen_at if last else None, remedy)


def _start(service: str, *, embedded: bool) -> Remedy:
    """Return what starts a service. `moodline up` does by itself, unless something hinders it."""
    command = f"{_DOWN} && {_UP}" if embedded else f"moodline {service}"
    return Remedy(command, "system#services", "Open services")


def _gone(one: SeenProcess, *, embedded: bool) -> Problem:
    process = one.process
    text = f"A {process.service} is gone: process {process.pid} on {process.host}."
    remedy = _start(process.service, embedded=embedded)
    subject = f"{process.service} {process.host}:{process.pid}"
    return Problem(Kind.SERVICE_GONE, Level.DEGRADED, subject, text, one.seen_at, remedy)


def young_workers(stored: Stored, now: datetime) -> frozenset[str]:
    """Return the workers that began within a minute: frames have waited for their models."""
    return frozenset(one.process.id for one in stored.seen if now - one.started_at < _WARM)


def _lag(heartbeats: Heartbeats, young: frozenset[str], *, embedded: bool) -> Iterator[Problem]:
    """Yield that the results of cameras come late. young: workers that may be late."""
    late = [
        one.latency_p95_s
        for one in heartbeats.workers
        if one.latency_p95_s and one.latency_p95_s > _LATE_S and one.id not in young
    ]
    if late:
        text = f"The workers lag: results of cameras come {max(late):.0f} s late."
        more = f"{_UP} --workers {len(heartbeats.workers) + 1}" if embedded else "moodline worker"
        remedy = Remedy(more, "sources", "Lower frame rates")
        yield Problem(Kind.WORKER_LAG, Level.DEGRADED, "", text, None, remedy)


def _troubles(heartbeats: Heartbeats) -> Iterator[Problem]:
    """Yield what living services and workers report."""
    for service in heartbeats.services:
        if service.state == _TROUBLE:
            text = f"The {service.service} on {service.host} cannot work: {service.reason}."
            since = datetime.fromisoformat(service.since)
            yield Problem(Kind.SERVICE_TROUBLE, Level.DEGRADED, service.id, text, since, _SERVICES)
    for reason in sorted({reason for one in heartbeats.workers for reason in one.refusals}):
        text = f"A run cannot be analysed: {reason}."
        remedy = Remedy("moodline jobs again RUN", "system#services", "Open services")
        yield Problem(Kind.RUN_REFUSED, Level.DEGRADED, "", text, None, remedy)


def live_names(stored: Stored) -> list[str]:
    """Return the live sources that should be read."""
    return [one.name for one in stored.live if one.state != LiveState.PAUSED]


def waiting_runs(stored: Stored, heartbeats: Heartbeats | None) -> list[OpenRun]:
    """Return the recordings that wait for services; a command works on its own ones."""
    live = {one.name for one in stored.live}
    services = {one.id.partition(":")[2] for one in heartbeats.services} if heartbeats else set()
    return [
        one
        for one in stored.runs
        if one.source not in live and (not one.claimed or one.ingestor in services)
    ]


def _and(names: Sequence[str]) -> str:
    """Return up to three names as text, and how many more there are."""
    if len(names) > 3:
        return f"{', '.join(names[:2])} and {len(names) - 2} more sources"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _is(names: Sequence[object]) -> str:
    return "is" if len(names) == 1 else "are"


def _wait(items: Sequence[object]) -> str:
    return "waits" if len(items) == 1 else "wait"
