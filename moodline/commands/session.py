"""The start of every command: its settings, the log, and the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from contracts.settings import Settings


def read_settings(service: str = "", *, logs: bool = True) -> "Settings":
    """Read the settings and configure the log. Raises SettingsError.

    service: the name of the service, for its log. logs: False for a quick command that logs
    nothing, because the log is slow to import.
    """
    from contracts.settings import Settings

    settings = Settings.read()
    if logs:
        from runtime.logs import configure_logs

        configure_logs(settings.log_level, service=service)
    return settings


@contextmanager
def open_records(settings: "Settings") -> "Iterator[Engine]":
    """Yield an engine on the database, after an upgrade to this version's schema.

    Raises DatabaseError.
    """
    from records.database import open_engine
    from records.schema import upgrade

    engine = open_engine(settings.effective_database_url)
    try:
        upgrade(engine)
        yield engine
    finally:
        engine.dispose()


def current_actor() -> str:
    """Return the user and host that the audit records, as USER@HOST."""
    import getpass
    import socket

    return f"{getpass.getuser()}@{socket.gethostname()}"
