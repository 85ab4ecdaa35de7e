"""`moodline apply`: sources, folders, retention and alerts from a file."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import ConfigFileError, SettingsError
from moodline.commands.options import command_app
from moodline.commands.session import current_actor, open_records, read_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moodline.as_code.entries import Change
    from moodline.as_code.parsing import ParsedFile

app = command_app()
_STYLES: Final = {"+": "green", "~": "yellow", "-": "red"}


@app.command(
    epilog="Examples: [cyan]moodline apply moodline.yaml --dry-run[/] · "
    "[cyan]moodline apply moodline.yaml[/] · "
    "[cyan]moodline apply --schema > moodline.schema.json[/]"
)
def apply(
    file: Annotated[
        Path | None, typer.Argument(help="YAML file; - reads it from standard input.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print and check the changes, and make none.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove what the file does not have, in the sections that it has."
        ),
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of the file, for editors.")
    ] = False,
) -> None:
    """Make sources, folders, retention and alerts as a file says: all of it, or nothing.

    Applying the same file again changes nothing. Without --prune, what it does not name stays.
    """
    if schema:
        import json

        from moodline.as_code.document import json_schema

        typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return
    if file is None:
        raise SettingsError("give a file to apply", hint="For example moodline.yaml")
    settings = read_settings()
    try:
        parsed = _read(file)
    except ConfigFileError as exc:
        _print_problems(exc)
        raise typer.Exit(1) from exc
    from moodline.as_code.applying import apply_file
    from moodline.as_code.site import Site

    with open_records(settings) as engine:
        site = Site(settings, engine, current_actor())
        changes = apply_file(site, parsed, prune=prune, dry_run=dry_run)
    _print(changes, dry_run=dry_run)


def _read(file: Path) -> "ParsedFile":
    from moodline.as_code.parsing import parse_file

    if str(file) == "-":
        return parse_file(sys.stdin.read(), "standard input", Path.cwd())
    from runtime.files.regular_files import read_regular

    try:
        text = read_regular(file).decode()
    except UnicodeDecodeError as exc:
        raise ConfigFileError(f"{file} is not UTF-8 text") from exc
    except OSError as exc:
        raise ConfigFileError(f"cannot read {file}: {exc.strerror}", hint="Check the path") from exc
    return parse_file(text, str(file), file.absolute().parent)


def _print_problems(error: ConfigFileError) -> None:
    """Print each wrong part of a file in a line of its own."""
    from moodline.terminal.output import print_error

    for line in error.line().split("\n"):
        print_error(line)


def _print(changes: "Sequence[Change]", *, dry_run: bool) -> None:
    from rich.text import Text

    from analytics.runs.number_text import count_text
    from moodline.terminal.output import Screen, print_line

    screen = Screen()
    for change in changes:
        head = f"{change.step} {change.section} {change.name}"
        screen.print(Text(head, style=_STYLES[change.step]))
        for line in change.lines:
            screen.print(Text(f"    {line}"))
    if not changes:
        print_line("Nothing to change: everything is as the file says.")
    elif dry_run:
        print_line(f"{count_text(len(changes), 'change')} would be made. Nothing was changed.")
    else:
        print_line(f"{count_text(len(changes), 'change')} made.")
