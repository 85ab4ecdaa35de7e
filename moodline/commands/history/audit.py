"""`moodline audit`."""

from typing import Annotated

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
        details = entry.details
        scope = details.get("scope", details)
        is_erasure = "scope" in details
        table.add_row(
            str(entry.id),
            format_time(entry.at),
            Text(entry.actor),
            Text(entry.address),
            Text(entry.action),
            Text(", ".join(f"{name} {value}" for name, value in scope.items())),
            f"{details['frames'] + details['rollups']:,}" if is_erasure else "",
            f"{details['faces']:,}" if is_erasure else "",
        )
    Screen().print(table)
