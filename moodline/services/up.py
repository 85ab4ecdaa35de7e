"""`moodline ingest`, `moodline worker`, and `moodline up`: all services on one machine.

Any number of the first two, on any host that reaches the same broker and database.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Engine

from broker.bus import Bus
from contracts.errors import BrokerError, DatabaseError, SettingsError
from contracts.runs import RunKind
from contracts.settings import Device, Settings
from contracts.shared_folders import SharedFolders
from ingest.live.supervision.supervisor import Cameras
from ingest.metrics import IngestMetrics
from moodline.analysis.run_spec import live_spec
from moodline.services.health import Health, HealthServer
from moodline.services.heartbeat import Heartbeat
from moodline.stack.companions import Companions
from moodline.stack.running_stack import RunningStack
from moodline.stack.stack import Stack
from records.database import open_engine, transaction, upgrade
from records.runs.queue import claim_next

log = structlog.get_logger()

_TURN_S: Final = 0.2
_CLAIM_EVERY_S: Final = 0.5
_HEALTHY_TURNS: Final = 2
_DRAIN_S: Final = 5.0
_DRAIN_LOOK_S: Final = 0.05


def run_worker(settings: Settings, device: Device) -> None:
    """Analyse frames until SIGTERM or Ctrl-C; then commit, and let the runs go."""
    from inference_worker.__main__ import serve

    _require_servers(settings)
    health = Health(_HEALTHY_TURNS * settings.stall_s)
    with HealthServer(health, settings.health, settings.health_token):
        serve(settings, device=device, registry=health.registry, on_turn=health.note_turn)


def run_ingest(settings: Settings, *, parallel: int) -> None:
    """Watch over live sources, and publish queued recordings, until SIGTERM or Ctrl-C."""
    _require_servers(settings)
    _serve(settings, workers=0, parallel=parallel)


def run_up(settings: Settings, *, workers: int, parallel: int, port: int) -> None:
    """All of moodline on this machine, until SIGTERM or Ctrl-C; with its own broker if none is set.

    port: of the dashboard on loopback; 0: none. Raises SettingsError when it is up already.
    """
    with RunningStack(settings.home_path) as running:
        engine = open_engine(settings.effective_database_url)
        upgrade(engine)
        engine.dispose()
        commands = {"scheduler": ["scheduler"]}
        if port:
            commands["dashboard"] = ["dashboard", "--port", str(port)]
            log.info("dashboard", url=f"http://127.0.0.1:{port}/")
        _serve(settings, workers=workers, parallel=parallel, running=running, commands=commands)


def _serve(
    settings: Settings,
    *,
    workers: int,
    parallel: int,
    running: RunningStack | None = None,
    commands: Mapping[str, Sequence[str]] | None = None,
) -> None:
    engine = open_engine(settings.effective_database_url)
    health = Health(_HEALTHY_TURNS * settings.stall_s)
    metrics = IngestMetrics(health.registry)
    server = HealthServer(health, settings.health, settings.health_token)
    stack = Stack(settings, engine, workers=workers, ingestors=parallel, metrics=metrics)
    try:
        with server, stack:
            url = stack.env["MOODLINE_REDIS_URL"]
            if running is not None:
                running.announce(url)
            # What answers for this process must not be answered for by its companions.
            env = {name: text for name, text in stack.env.items() if name != "MOODLINE_HEALTH"}
            with (
                Companions(commands or {}, env) as companions,
                Cameras(settings, engine, stack.env, partial(live_spec, settings)) as cameras,
                Heartbeat("ingest", lambda: url, lambda: _state(stack.trouble or cameras.trouble)),
            ):
                log.info("serving", parallel=parallel, workers=workers)
                _turn(settings, engine, stack, (cameras, companions), health, metrics)
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        engine.dispose()


def _state(trouble: str) -> tuple[str, str]:
    return ("trouble" if trouble else "running"), trouble


def _turn(  # noqa: PLR0913, PLR0917  (the parts that it drives)
    settings: Settings,
    engine: Engine,
    stack: Stack,
    beside: tuple[Cameras, Companions],
    health: Health,
    metrics: IngestMetrics,
) -> None:
    """Drive the parts, turn by turn, until Ctrl-C or SIGTERM; then let the workers finish."""
    claimer, said = _Claimer(settings, engine, stack), ""
    cameras, companions = beside
    try:
        while True:
            stack.step(_TURN_S)
            cameras.step()
            companions.step()
            if stack.busy < stack.ingestors:
                claimer.turn()
            trouble = claimer.trouble or cameras.trouble
            if trouble and trouble != said:
                log.warning("cannot read the records", reason=trouble)
            said = trouble
            metrics.busy.set(stack.busy)
            # What keeps the stack is in its children's logs, with the run that it is about.
            health.note_turn(stack.trouble or trouble)
    finally:
        cameras.stop()
        if stack.workers:
            _drain(stack.env["MOODLINE_REDIS_URL"])


def _drain(broker_url: str) -> None:
    """Give the workers time to commit what the live sources published last."""
    until = time.monotonic() + _DRAIN_S
    with suppress(BrokerError):
        bus = Bus.connect(broker_url)
        while bus.open_runs(kind=RunKind.LIVE) and time.monotonic() < until:
            time.sleep(_DRAIN_LOOK_S)
        bus.close()


class _Claimer:
    """Takes the oldest recording that waits. trouble: what kept it from that, or ""."""

    def __init__(self, settings: Settings, engine: Engine, stack: Stack) -> None:
        self.trouble = ""
        self._lease_s = settings.lease_s
        self._folders = SharedFolders.parse(settings.shared_folders)
        self._engine = engine
        self._stack = stack
        self._next = 0.0

    def turn(self) -> None:
        """Claim one; while there is none, not more often than the database should be asked."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _CLAIM_EVERY_S
        try:
            with transaction(self._engine) as connection:
                ticket = claim_next(
                    connection,
                    claimant=self._stack.claimant,
                    lease_s=self._lease_s,
                    folders=self._folders,
                )
        except DatabaseError as exc:
            self.trouble = exc.line()
            return
        self.trouble = ""
        if ticket is not None:
            log.info("run claimed", run=ticket.run_id)
            self._stack.submit(ticket.run_id, ticket.run_pk)
            self._next = 0.0


def _require_servers(settings: Settings) -> None:
    """Reach both servers once, with today's schema. Raises the error that says what is wrong."""
    missing = [
        f"MOODLINE_{name.upper()}"
        for name in ("redis_url", "database_url")
        if not getattr(settings, name)
    ]
    if missing:
        raise SettingsError(
            f"a service needs {' and '.join(missing)}",
            hint="On one machine `moodline analyze` starts all that it needs itself",
        )
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    engine.dispose()
    Bus.connect(settings.redis_url).close()
