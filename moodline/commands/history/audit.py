"""`moodline audit`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import open_records, read_settings
from records.audit_actions import Kind

app = command_app()


@app.command(epilog="Examples: [cyan]moodline audit[/] · [cyan]moodline audit --kind sign-in[/]")
def audit(
    kind: Annotated[Kind | None, typer.Option(help="Only entries of this kind.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Number of entries to list, the newest first.")
    ] = 100,
    as_json: JsonOption = False,
) -> None:
    """List who did what: sign-ins, changes, views and exports of data, and erasures."""
    from rich.text import Text

    from analytics.audit import audit_entries
    from analytics.snapshots import in_snapshot
    from moodline.terminal.output import Screen, format_time, new_table, print_json, print_line

    with open_records(read_settings()) as engine:
        entries = in_snapshot(engine, audit_entries, limit=limit, kind=kind)
    if as_json:
        print_json({"audit": entries})
        return
    if not entries:
        print_line("No entries.")
        return
    table = new_table(
        "number", "at (UTC)", "by", "from", "action", "details", "frames", "faces", whole=["number"]
    )
    for entry in entries:
        details, scope = entry.details, entry.details.get("scope")
        is_erasure = isinstance(scope, dict)  # That of a token is a text.
        table.add_row(
            str(entry.id),
            format_time(entry.at),
            Text(entry.actor),
            Text(entry.address),
            Text(entry.action),
            Text(_details_text(scope if isinstance(scope, dict) else details)),
            f"{details['frames'] + details['rollups']:,}" if is_erasure else "",
            f"{details['faces']:,}" if is_erasure else "",
        )
    Screen().print(table)


def _details_text(details: Mapping[str, Any]) -> str:
    """Return names and values in one line; values are texts, numbers, lists or mappings."""
    return ", ".join(f"{name} {_value_text(value)}" for name, value in details.items())


def _value_text(value: object) -> str:
    if isinstance(value, dict):
        return f"({_details_text(value)})"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
