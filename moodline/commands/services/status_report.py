"""The state of the system as `moodline status` prints it."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from analytics.health.verdict import Level
from analytics.now.overview import RecordingSource
from moodline.adapters.system_status import BrokerStatus, DatabaseStatus, SystemStatus
from moodline.terminal.live_table import MAX_ROWS, live_table
from moodline.terminal.output import format_mib, format_time, new_table
from moodline.terminal.verdict_text import verdict_text

if TYPE_CHECKING:
    from broker.reports import WorkerReport


def status_report(status: SystemStatus) -> RenderableType:
    """Return the verdict, the tables of servers, services, workers, runs and sources, and hints."""
    workers = status.heartbeats.workers
    parts: list[RenderableType] = [verdict_text(status.health), Text(), _servers(status)]
    parts += [Text(), _services(status)] if status.heartbeats.services or status.gone else []
    parts += [Text(), _workers(workers)] if workers else []
    parts += [
        Text(f"{worker.host} {worker.pid} cannot analyse {reason}", style="yellow")
        for worker in workers[:MAX_ROWS]
        for reason in worker.refusals
    ]
    parts += [Text(), _runs(status)] if status.runs else []
    if not status.runs and not status.live and status.health.level is not Level.UNKNOWN:
        hint = (
            "No run in progress. Analyse a recording with `moodline analyze VIDEO`, "
            "or add a live source with `moodline source add`."
        )
        parts += [Text(), Text(hint)]
    parts += [Text(), live_table(status.live)] if status.live else []
    parts += [Text(), _recordings(status.recordings)] if status.recordings else []
    return Group(*parts)


def _servers(status: SystemStatus) -> Table:
    table = new_table("server", "ok", "url", "facts", header=False)
    broker, database = status.broker, status.database
    table.add_row(
        "broker", _mark(broker.ok), Text(broker.url or "embedded"), Text(_broker_facts(broker))
    )
    table.add_row(
        "database",
        _mark(database.ok or database.is_empty),
        Text(database.url),
        Text(_database_facts(database)),
    )
    return table


def _services(status: SystemStatus) -> Table:
    """Return the living services, and then the processes that are gone, workers among them."""
    table = new_table("service", "host", "pid", "state", "since (UTC)", right=["pid"])
    for one in status.heartbeats.services[:MAX_ROWS]:
        style = "red" if one.state == "trouble" else "green" if one.state == "running" else ""
        since = datetime.fromisoformat(one.since)
        table.add_row(
            one.service,
            Text(one.host),
            str(one.pid),
            Text(one.state, style=style),
            format_time(since),
        )
    for gone in status.gone[:MAX_ROWS]:
        process = gone.process
        table.add_row(
            process.service,
            Text(process.host),
            str(process.pid),
            Text("gone", style="red"),
            format_time(gone.seen_at),
        )
    return table


def _broker_facts(broker: BrokerStatus) -> str:
    facts = broker.facts
    if facts is None:
        return broker.text
    limit = f"of {format_mib(facts.max_memory)}" if facts.max_memory else "without a limit"
    used = format_mib(facts.used_memory)
    return f"{facts.server} {facts.version}, {facts.policy}, {used} {limit}"


def _database_facts(database: DatabaseStatus) -> str:
    if database.is_empty:
        return "empty; the first command creates the tables"
    if not database.ok:
        return database.text
    return f"schema {database.schema}, {format_mib(database.bytes or 0)}"


def _workers(workers: "Sequence[WorkerReport]") -> Table:
    numbers = ("pid", "runs", "fps", "lag", "p95 latency")
    table = new_table("worker", "pid", "device", *numbers[1:], right=numbers, whole=numbers)
    for worker in workers[:MAX_ROWS]:
        latency_s = worker.latency_p95_s
        table.add_row(
            Text(worker.host),
            str(worker.pid),
            worker.device,
            f"{len(worker.runs)}",
            f"{worker.fps:.1f}",
            f"{worker.lag:,}",
            "—" if latency_s is None else f"{latency_s:.2f} s",
        )
    return table


def _runs(status: SystemStatus) -> Table:
    numbers = ("frames", "lag")
    table = new_table(
        "run", "source", "state", *numbers, "worker", right=numbers, whole=("run", *numbers)
    )
    for run in status.runs[:MAX_ROWS]:
        frames = f"{run.frames_analyzed:,}"
        if run.frames_claimed:
            frames += f" of {run.frames_claimed:,}"
        table.add_row(
            run.run_id,
            Text(run.source),
            run.state,
            frames,
            f"{status.lag(run):,}",
            Text(run.worker or "—"),
        )
    if len(status.runs) > MAX_ROWS:
        table.add_row(f"{len(status.runs) - MAX_ROWS:,} more")
    return table


def _recordings(sources: Sequence[RecordingSource]) -> Table:
    table = new_table("source", "kind", "runs", "latest run", "at (UTC)", right=["runs"])
    for source in sources[:MAX_ROWS]:
        latest = str(source.state or "—")
        at = source.last_queued_at
        table.add_row(
            Text(source.name),
            source.kind,
            f"{source.runs:,}",
            Text(f"{latest}: {source.error}" if source.error else latest),
            f"{at:%Y-%m-%d %H:%M}" if at else "",
        )
    if len(sources) > MAX_ROWS:
        table.add_row(f"{len(sources) - MAX_ROWS:,} more")
    return table


def _mark(ok: bool) -> Text:
    return Text("ok", style="green") if ok else Text("FAIL", style="red")
