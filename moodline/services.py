"""`moodline ingest` and `moodline worker`: the two halves of `analyze`, as services.

Any number of either, on any host that reaches the same broker and database.
"""

import time
from typing import Final

import structlog
from sqlalchemy import Engine

from contracts.bus import Bus
from contracts.database import open_engine, transaction, upgrade
from contracts.errors import DatabaseError, SettingsError
from contracts.jobs import claim_next
from contracts.settings import Device, Settings
from contracts.shared_folders import SharedFolders
from ingest.metrics import IngestMetrics
from moodline.health import Health, HealthServer
from moodline.stack import Stack

log = structlog.get_logger()

_TURN_S: Final = 0.2
_CLAIM_EVERY_S: Final = 0.5
_HEALTHY_TURNS: Final = 2


def run_worker(settings: Settings, device: Device) -> None:
    """Analyse frames until SIGTERM or Ctrl-C; then commit, and let the runs go."""
    from inference_worker.__main__ import serve

    _require_servers(settings)
    health = Health(_HEALTHY_TURNS * settings.stall_s)
    with HealthServer(health, settings.health, settings.health_token):
        serve(settings, device=device, registry=health.registry, on_turn=health.note_turn)


def run_ingest(settings: Settings, *, parallel: int) -> None:
    """Claim queued recordings and publish them, `parallel` at a time, until SIGTERM or Ctrl-C."""
    _require_servers(settings)
    engine = open_engine(settings.effective_database_url)
    health = Health(_HEALTHY_TURNS * settings.stall_s)
    metrics = IngestMetrics(health.registry)
    try:
        with (
            HealthServer(health, settings.health, settings.health_token),
            Stack(settings, engine, workers=0, ingestors=parallel, metrics=metrics) as stack,
        ):
            log.info("serving", parallel=parallel)
            claimer, said = _Claimer(settings, engine, stack), ""
            while True:
                stack.step(_TURN_S)
                if stack.busy < parallel:
                    claimer.turn()
                if claimer.trouble and claimer.trouble != said:
                    log.warning("cannot claim", reason=claimer.trouble)
                said = claimer.trouble
                metrics.busy.set(stack.busy)
                # What keeps the stack is in its children's logs, with the run that it is about.
                health.note_turn(stack.trouble or claimer.trouble)
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        engine.dispose()


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
