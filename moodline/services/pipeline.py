"""The pipeline of `moodline ingest` and `moodline up`: live sources, recordings and workers."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Engine

from contracts.errors import DatabaseError
from contracts.settings import Settings
from ingest.live.supervision.supervisor import SourceSupervisor
from ingest.metrics import IngestMetrics
from moodline.adapters.system_status import read_verdict
from moodline.analysis.run_spec import live_spec
from moodline.metrics.source_metrics import SourceMetrics, read_source_facts
from moodline.metrics.worker_metrics import WorkerFiles
from moodline.services.health import Health
from moodline.services.health_server import HealthServer
from moodline.services.heartbeat import Heartbeat
from moodline.services.run_claimer import RunClaimer
from moodline.stack.running_stack import RunningStack
from moodline.stack.side_services import SideServices
from moodline.stack.stack import Stack
from records.database import open_engine
from records.runs.live_runs import has_open_live_runs
from records.sources.sealing import Sealer
from records.sources.stored_addresses import readable_addresses, seal_stored_addresses

log = structlog.get_logger()

_STEP_S: Final = 0.2
_DRAIN_S: Final = 5.0
_DRAIN_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class _Pipeline:
    """The parts that one process drives."""

    engine: Engine
    stack: Stack
    sources: SourceSupervisor
    side_services: SideServices
    claimer: RunClaimer
    health: Health
    metrics: IngestMetrics


def serve_pipeline(
    settings: Settings,
    *,
    workers: int,
    parallel: int,
    running: RunningStack | None = None,
    side_services: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Run the pipeline until SIGTERM or Ctrl-C.

    running: publishes the broker's URL for the other commands. side_services: arguments of
    `moodline` by service name.
    """
    engine = open_engine(settings.effective_database_url)
    health = Health.for_steps(settings.stall_s)
    health.watch_system(lambda: read_verdict(settings, engine), decides=running is not None)
    metrics = IngestMetrics(health.registry)
    if running is not None:  # `moodline up` is the whole system.
        health.registry.register(SourceMetrics(read_source_facts(settings, engine)))
    server = HealthServer(health, settings.health, settings.health_token)
    _seal_addresses(settings, engine)
    stack = Stack(settings, engine, workers=workers, ingestors=parallel, metrics=metrics)
    try:
        with server, stack:
            url = stack.env["MOODLINE_REDIS_URL"]
            if workers:
                health.registry.register(WorkerFiles(stack.worker_metrics))
            if running is not None:
                running.announce(url)
            # The side services must not bind this process's health address.
            env = {name: value for name, value in stack.env.items() if name != "MOODLINE_HEALTH"}
            with (
                SideServices(side_services or {}, env) as beside,
                SourceSupervisor(
                    settings, engine, stack.env, partial(live_spec, settings)
                ) as sources,
                Heartbeat(
                    "ingest",
                    engine,
                    lambda: url,
                    lambda: _state(stack.trouble or sources.trouble),
                ),
            ):
                log.info("serving", parallel=parallel, workers=workers)
                claimer = RunClaimer(settings, engine, stack)
                _drive(_Pipeline(engine, stack, sources, beside, claimer, health, metrics))
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        engine.dispose()


def _seal_addresses(settings: Settings, engine: Engine) -> None:
    """Seal the sources' addresses that an earlier version stored readable.

    Not where hosts share a database without MOODLINE_SECRET_KEY: the others could not open them.
    """
    sealer = Sealer(settings.secret_key, settings.home_path)
    if settings.secret_key or engine.dialect.name == "sqlite":
        if count := seal_stored_addresses(engine, sealer):
            log.info("sealed the addresses of sources", count=count)
    elif names := readable_addresses(engine, sealer):
        log.warning(
            "addresses of sources are stored readable: set MOODLINE_SECRET_KEY on all hosts",
            sources=names,
        )


def _state(trouble: str) -> tuple[str, str]:
    return ("trouble" if trouble else "running"), trouble


def _drive(pipeline: _Pipeline) -> None:
    """Step all parts until Ctrl-C or SIGTERM; then let the workers finish."""
    stack, logged = pipeline.stack, ""
    try:
        while True:
            stack.step(_STEP_S)
            pipeline.sources.step()
            pipeline.side_services.step()
            if stack.busy < stack.ingestors:
                pipeline.claimer.step()
            trouble = pipeline.claimer.trouble or pipeline.sources.trouble
            if trouble and trouble != logged:
                log.warning("cannot read the records", reason=trouble)
            logged = trouble
            pipeline.metrics.busy.set(stack.busy)
            # The stack's own trouble is in the log of its children, with its run.
            pipeline.health.note_step(stack.trouble or trouble)
    finally:
        pipeline.sources.stop()
        if stack.workers:
            _drain(pipeline.engine)


def _drain(engine: Engine) -> None:
    """Give the workers five seconds to commit the last frames of the live sources."""
    until = time.monotonic() + _DRAIN_S
    with suppress(DatabaseError):
        while has_open_live_runs(engine) and time.monotonic() < until:
            time.sleep(_DRAIN_POLL_S)
