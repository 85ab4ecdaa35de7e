"""`moodline ingest` and `moodline worker`: the two halves of `analyze`, as services.

Any number of either, on any host that reaches the same broker and database.
"""

import time
from typing import Final

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from contracts.database import database_error, open_engine, upgrade
from contracts.errors import BrokerError, DatabaseError, SettingsError
from contracts.jobs import claim_next
from contracts.settings import Settings
from moodline.stack import Stack

log = structlog.get_logger()

_TURN_S: Final = 0.2
_RETRY_S: Final = 2.0


def run_worker(settings: Settings) -> None:
    """Analyse frames until SIGTERM or Ctrl-C; then commit, and let the runs go."""
    from inference_worker.__main__ import main

    _require_servers(settings)
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    engine.dispose()
    main()


def run_ingest(settings: Settings, *, parallel: int) -> None:
    """Claim queued recordings and publish them, `parallel` at a time, until SIGTERM or Ctrl-C."""
    _require_servers(settings)
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    while True:
        try:
            with Stack(settings, engine, workers=0, ingestors=parallel) as stack:
                _serve(settings, engine, stack, parallel)
        except KeyboardInterrupt:
            return
        except (BrokerError, DatabaseError) as exc:
            log.warning("cannot work", reason=exc.line(), retry_in_s=_RETRY_S)
        except DBAPIError as exc:
            reason = database_error(engine, exc).line()
            log.warning("cannot work", reason=reason, retry_in_s=_RETRY_S)
        time.sleep(_RETRY_S)


def _serve(settings: Settings, engine: Engine, stack: Stack, parallel: int) -> None:
    while True:
        stack.step(_TURN_S)
        if stack.busy >= parallel:
            continue
        with engine.begin() as connection:
            ticket = claim_next(connection, claimant=stack.claimant, lease_s=settings.lease_s)
        if ticket is not None:
            log.info("run claimed", run=ticket.run_id)
            stack.submit(ticket.run_id, ticket.run_pk)


def _require_servers(settings: Settings) -> None:
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
