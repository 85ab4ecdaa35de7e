"""`moodline audit`."""

from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import open_records, read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline audit[/]")
def audit(as_json: JsonOption = False) -> None:
    """List erasures, deleted annotated copies and changes of users: when, and by whom."""
    from rich.text import Text

    from analytics.audit import audit_entries
    from analytics.snapshots import in_snapshot
    from moodline.terminal.output import Screen, format_time, new_table, print_json, print_line

    with open_records(read_settings()) as engine:
        entries = in_snapshot(engine, audit_entries)
    if as_json:
        print_json({"audit": entries})
        return
    if not entries:
        print_line("No entries: nothing was erased, and no user was changed.")
        return
    table = new_table("receipt", "at (UTC)", "by", "action", "scope", "frames", "faces")
    for entry in entries:
        details = entry.details
        scope = details.get("scope", details)
        is_erasure = "scope" in details
        table.add_row(
            str(entry.id),
            format_time(entry.at),
            Text(entry.actor),
            entry.action,
            Text(", ".join(f"{name} {value}" for name, value in scope.items())),
            f"{details['frames'] + details['rollups']:,}" if is_erasure else "",
            f"{details['faces']:,}" if is_erasure else "",
        )
    Screen().print(table)
