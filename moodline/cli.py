"""The command line: the table of commands, and one line for each error that moodline can name."""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import TracebackType
from typing import Annotated, Any, Final, cast

import typer
from typer.core import TyperGroup

from contracts.errors import MoodlineError, SettingsError, SourceError
from moodline.commands.completion import VARIABLE, complete_words
from moodline.commands.installed_version import installed_version
from moodline.commands.plain_types import show_plain_types
from runtime.files.private_files import PRIVATE_UMASK
from runtime.processes.garbage import collector_off
from runtime.stop_signal import raise_on_stop_signals

_COMMANDS: Final[Mapping[str, Mapping[str, str]]] = {
    "Start here": {
        "demo": "recordings.demo",
        "up": "services.up",
        "down": "services.down",
        "status": "services.status",
        "doctor": "admin.doctor",
    },
    "Analyse recordings": {
        "analyze": "recordings.analyze",
        "jobs": "recordings.jobs",
        "runs": "recordings.runs",
        "summary": "recordings.summary",
        "export": "recordings.export",
        "dead-letters": "recordings.dead_letters",
    },
    "Watch cameras": {
        "source": "live.source",
        "watch": "live.watch",
    },
    "See trends": {
        "trends": "history.trends",
        "rollups": "history.rollups",
    },
    "Be told": {
        "alert": "alerts.alert",
    },
    "Protect people and data": {
        "erase": "history.erase",
        "audit": "history.audit",
        "user": "admin.user",
        "token": "admin.token",
        "api": "admin.api",
    },
    "Run the parts as services": {
        "ingest": "services.ingest",
        "worker": "services.worker",
        "scheduler": "services.scheduler",
        "dashboard": "services.dashboard",
        "schedule": "services.schedule",
        "db": "admin.db",
        "apply": "admin.apply",
        "export-config": "admin.export_config",
    },
    "Choose and train models": {
        "model": "model.group",
        "detector": "model.detector",
    },
    "About": {
        "version": "admin.version",
    },
}
"""The module of each command under `moodline.commands`, by the task for which the help lists it."""


class CommandModules(Mapping[str, Any]):
    """The commands by name. A command's module is imported when the command is first asked for."""

    def __init__(self) -> None:
        self._places = {
            name: (panel, module)
            for panel, modules in _COMMANDS.items()
            for name, module in modules.items()
        }
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            panel, module = self._places[name]
            with collector_off():
                app = import_module(f"moodline.commands.{module}").app
            command: Any = typer.main.get_command(app)
            command.name, command.rich_help_panel = name, panel
            show_plain_types(command)
            self._loaded[name] = command
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def command_line() -> TyperGroup:
    """Return the `moodline` command with all of its commands."""
    app = typer.Typer(
        no_args_is_help=True,
        help="See how facial expressions change over time, in recordings and live sources.\n\n"
        "moodline reads expressions, not feelings. It identifies nobody and stores no camera "
        "pictures.",
    )
    app.callback()(_root)
    group = cast("TyperGroup", typer.main.get_command(app))
    show_plain_types(group)
    group.commands = cast("Any", CommandModules())
    return group


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"moodline {installed_version()}")
        raise typer.Exit


def _root(
    version: Annotated[  # noqa: ARG001  (its callback has done it)
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    return


def main() -> None:
    """Run the command line. An error that moodline can name is one line, never a traceback."""
    if VARIABLE in os.environ and (completed := complete_words(command_line())) is not None:
        typer.echo(completed)
        return
    raise_on_stop_signals()
    sys.excepthook = _print_traceback
    os.umask(PRIVATE_UMASK)  # Until the settings are read; child processes inherit it.
    # Looking for plugins of pydantic reads the metadata of every installed package.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        command_line()(prog_name="moodline")
    except KeyboardInterrupt:  # Before the command began: it handles its own.
        sys.exit(1)
    except MoodlineError as exc:
        _print_error(exc.detailed_line() if isinstance(exc, SourceError) else exc.line())
        sys.exit(2 if isinstance(exc, SettingsError) else 1)
    except Exception as exc:
        reason = _database_failure(exc)
        if not reason:
            raise
        _print_error(f"database: {reason}")
        sys.exit(1)


def _database_failure(error: Exception) -> str:
    """Return the driver's first line for an error of the database, else ""."""
    database_errors = sys.modules.get("sqlalchemy.exc")  # Not imported, so not its error.
    if database_errors is None or not isinstance(error, database_errors.DBAPIError):
        return ""
    return str(error.orig or error).strip().splitlines()[0]


def _print_error(line: str) -> None:
    from moodline.terminal.output import print_error

    print_error(line)


def _print_traceback(
    _kind: type[BaseException], error: BaseException, _trace: TracebackType | None
) -> None:
    """Print the traceback of an error that moodline does not know, without credentials.

    Nor with the control characters of a name in it.
    """
    from traceback import format_exception

    from contracts.redaction import redact
    from runtime.visible_text import visible_lines

    sys.stderr.write(visible_lines(redact("".join(format_exception(error)))))


if __name__ == "__main__":
    main()
