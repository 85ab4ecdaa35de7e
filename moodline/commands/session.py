"""The start of every command: its settings, private files, the log, and the database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from contracts.settings import Settings

_SQLITE: Final = "sqlite:///"


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
    _report_unknown(service)
    _keep_files_private(settings, service)
    return settings


def _report_unknown(service: str) -> None:
    """Name the settings that do not exist, in the log of a service or on standard error."""
    from contracts.settings import Settings

    for line in Settings.unknown():
        if service:
            import structlog

            structlog.get_logger().warning(line)
        else:
            from moodline.terminal.output import error_console

            error_console().print(line, style="yellow", highlight=False, markup=False)


def _keep_files_private(settings: "Settings", service: str) -> None:
    """Apply MOODLINE_UMASK to what this process writes, and to what earlier versions wrote."""
    from runtime.files.private_files import make_private

    umask = int(settings.umask, 8)
    os.umask(umask)
    folders = (settings.home_path, settings.uploads_path)
    closed = make_private(folders, _sqlite_files(settings.effective_database_url), umask)
    if not closed:
        return
    text = f"took the permissions of other users from {closed:,} files and folders of moodline"
    if service:
        import structlog

        structlog.get_logger().info(text, umask=settings.umask)
    else:
        from moodline.terminal.output import error_console

        error_console().print(f"{text} (MOODLINE_UMASK={settings.umask})", highlight=False)


def _sqlite_files(url: str) -> tuple[Path, ...]:
    """Return the files of a SQLite database, which need not exist; none for a server."""
    if not url.startswith(_SQLITE):
        return ()
    path = unquote(url.removeprefix(_SQLITE).partition("?")[0])
    if not path:
        return ()
    return tuple(Path(path + end) for end in ("", "-wal", "-shm"))


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
