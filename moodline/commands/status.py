"""`moodline status`: what goes on now, over all hosts that share a broker and a database."""

import json
import time
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine, text

from analytics.now.live_status import live_status
from analytics.now.overview import open_runs, source_lines
from broker.bus import Bus
from broker.presence import BrokerFacts, Presence, ServiceReport, SourceReport, WorkerReport
from contracts.errors import BrokerError, DatabaseError
from contracts.redaction import redact
from contracts.runs import RunKind
from contracts.settings import Settings
from moodline.stack.running_stack import running_broker
from records.database import open_engine, reading, revisions, schema_revision

_EVERY_S: Final = 1.0
_SHOWN: Final = 20
_STATE_STYLES: Final = {"streaming": "green", "paused": "dim", "failed": "red", "dead": "red"}
_SIZE: Final = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
}


def show_status(settings: Settings, *, watch: bool, as_json: bool, console: Console) -> None:
    """Print the status, once or again each second; as JSON, a line each time when watching."""
    engine = open_engine(settings.effective_database_url)
    try:
        if not watch:
            _print(read_status(settings, engine), as_json=as_json, console=console)
            return
        if as_json:
            while True:
                print(json.dumps(read_status(settings, engine)), flush=True)  # noqa: T201
                time.sleep(_EVERY_S)
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(_drawn(read_status(settings, engine)), refresh=True)
                time.sleep(_EVERY_S)
    except KeyboardInterrupt:
        return
    finally:
        engine.dispose()


def read_status(settings: Settings, engine: Engine) -> dict[str, Any]:
    """The documented fields of `--json`. What cannot be reached says so in its own part."""
    broker, workers, services, waiting, reports = _broker(settings)
    database = _database(engine)
    sources: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    if database["ok"]:
        sources = live_status(engine, reports)
        sources += [_plain(asdict(one)) for one in source_lines(engine)]
        runs = [_plain(asdict(one)) for one in open_runs(engine)]
        for run in runs:
            run["lag"] = waiting.get(run["run_id"], 0)
    return {
        "sources": sources,
        "runs": runs,
        "workers": workers,
        "services": services,
        "broker": broker,
        "database": database,
    }


def _broker(
    settings: Settings,
) -> tuple[
    dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], dict[str, int], list[SourceReport]
]:
    """What the broker is, workers, other services, the frames that wait by run, live sources."""
    url = running_broker(settings)
    if not url:
        text = "none runs: `moodline up` starts one, and so does each command for itself"
        return {"ok": True, "url": "", "embedded": True, "text": text}, [], [], {}, []
    place = {"url": redact(url), "embedded": not settings.redis_url}
    try:
        bus = Bus.connect(url)
        try:
            facts = asdict(BrokerFacts.ask(bus))
            workers = [asdict(one) for one in Presence(bus, WorkerReport).living()]
            services = [asdict(one) for one in Presence(bus, ServiceReport).living()]
            waiting = bus.waiting(bus.open_runs())
            reports = Presence(bus, SourceReport).living()
        finally:
            bus.close()
    except BrokerError as exc:
        return place | {"ok": False, "text": exc.line()}, [], [], {}, []
    return place | {"ok": True, "text": ""} | facts, workers, services, waiting, reports


def _database(engine: Engine) -> dict[str, Any]:
    url = redact(str(engine.url))
    try:
        revision = schema_revision(engine)
        with reading(engine) as connection:
            size = connection.execute(text(_SIZE[engine.dialect.name])).scalar_one()
    except DatabaseError as exc:
        return {"ok": False, "url": url, "schema": None, "bytes": None, "text": exc.line()}
    if revision not in revisions():
        behind = "no records yet" if revision is None else "the schema is of a newer moodline"
        return {"ok": False, "url": url, "schema": revision, "bytes": size, "text": behind}
    return {"ok": True, "url": url, "schema": revision, "bytes": size, "text": ""}


def _print(status: dict[str, Any], *, as_json: bool, console: Console) -> None:
    if as_json:
        print(json.dumps(status, indent=1))  # noqa: T201
    else:
        console.print(_drawn(status))


def _drawn(status: dict[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [_servers(status)]
    parts += [Text(), _workers(status["workers"])] if status["workers"] else []
    parts += [Text(), _runs(status["runs"])] if status["runs"] else []
    live = [one for one in status["sources"] if one["kind"] == RunKind.LIVE]
    recordings = [one for one in status["sources"] if one["kind"] != RunKind.LIVE]
    if not status["runs"] and not live:
        said = (
            "No run goes on. `moodline analyze VIDEO` starts one, `moodline source add` a camera."
        )
        parts += [Text(), Text(said)]
    elif status["runs"] and not status["workers"] and status["broker"]["url"]:
        parts += [Text(), Text("No worker lives: start `moodline worker`.", style="yellow")]
    parts += [Text(), live_table(live)] if live else []
    parts += [Text(), _sources(recordings)] if recordings else []
    return Group(*parts)


def _servers(status: dict[str, Any]) -> Table:
    table = _table()
    broker, database = status["broker"], status["database"]
    said = broker["text"]
    if "version" in broker:
        room = f" of {_mib(broker['max_memory'])}" if broker["max_memory"] else ", unbounded"
        said = (
            f"{broker['server']} {broker['version']}, {broker['policy']}, "
            f"{_mib(broker['used_memory'])}{room}"
        )
    table.add_row("broker", _mark(broker["ok"]), Text(broker["url"] or "embedded"), Text(said))
    said = database["text"]
    if database["ok"]:
        said = f"schema {database['schema']}, {_mib(database['bytes'])}"
    table.add_row("database", _mark(database["ok"]), Text(database["url"]), Text(said))
    return table


def _workers(workers: list[dict[str, Any]]) -> Table:
    table = _table(
        *("worker", "pid", "on", "runs", "fps", "lag", "p95 late"),
        numbers=("pid", "runs", "fps", "lag", "p95 late"),
    )
    for one in workers[:_SHOWN]:
        late = one["latency_p95_s"]
        numbers = (
            f"{len(one['runs'])}",
            f"{one['fps']:.1f}",
            f"{one['lag']:,}",
            "—" if late is None else f"{late:.2f} s",
        )
        table.add_row(Text(one["host"]), str(one["pid"]), one["device"], *numbers)
    return table


def _runs(runs: list[dict[str, Any]]) -> Table:
    table = _table("run", "source", "state", "frames", "lag", "worker", numbers=("frames", "lag"))
    for one in runs[:_SHOWN]:
        frames = f"{one['frames_analyzed']:,}"
        if one["frames_claimed"]:
            frames += f" of {one['frames_claimed']:,}"
        table.add_row(
            one["run_id"],
            Text(one["source"]),
            one["state"],
            frames,
            f"{one['lag']:,}",
            Text(one["worker"] or "—"),
        )
    if len(runs) > _SHOWN:
        table.add_row(f"and {len(runs) - _SHOWN:,} more")
    return table


def live_table(sources: list[dict[str, Any]]) -> RenderableType:
    """Live sources and their states, a line each; below it, why some are not seen."""
    table = _table(
        *("source", "state", "since (UTC)", "fps", "captured", "analysed", "dropped"),
        numbers=("since (UTC)", "fps", "captured", "analysed", "dropped"),
    )
    reasons = []
    for one in sources[:_SHOWN]:
        since = datetime.fromisoformat(one["since"]) if one["since"] else None
        style = _STATE_STYLES.get(one["state"], "yellow")
        table.add_row(
            Text(one["name"]),
            Text(one["state"].replace("_", " "), style=style),
            f"{since:%m-%d %H:%M:%S}" if since else "—",
            f"{one['fps']:.1f}",
            f"{one['captured']:,}",
            f"{one['analyzed']:,}",
            f"{sum(one['dropped'].values()):,}",
        )
        if one["reason"]:
            reasons.append(Text(f"{one['name']}: ", style=style).append(one["reason"], "default"))
    if len(sources) > _SHOWN:
        table.add_row(f"and {len(sources) - _SHOWN:,} more")
    return Group(table, *reasons)


def _sources(sources: list[dict[str, Any]]) -> Table:
    table = _table("source", "kind", "runs", "latest", "at (UTC)", numbers=("runs",))
    for one in sources[:_SHOWN]:
        at = datetime.fromisoformat(one["last_queued_at"]) if one["last_queued_at"] else None
        table.add_row(
            Text(one["name"]),
            one["kind"],
            f"{one['runs']:,}",
            Text(f"{one['state'] or '—'}{': ' if one['error'] else ''}{one['error']}"),
            f"{at:%Y-%m-%d %H:%M}" if at else "",
        )
    if len(sources) > _SHOWN:
        table.add_row(f"and {len(sources) - _SHOWN:,} more")
    return table


def _table(*names: str, numbers: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_header=bool(names))
    for name in names:
        whole = name in ("run", *numbers)  # An id that is cut is no use.
        table.add_column(name, justify="right" if name in numbers else "left", no_wrap=whole)
    return table


def _mark(holds: bool) -> Text:
    return Text("ok", style="green") if holds else Text("FAIL", style="red")


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
