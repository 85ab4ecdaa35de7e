"""`moodline dead-letters`."""

from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import open_records, read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline dead-letters[/]")
def dead_letters(as_json: JsonOption = False) -> None:
    """List the frames that could not be decoded or analysed and were set aside, and why."""
    from rich.text import Text

    from analytics.runs.dead_letters import list_dead_letters
    from analytics.snapshots import in_snapshot
    from moodline.terminal.output import Screen, format_time, new_table, print_json, print_line

    with open_records(read_settings()) as engine:
        letters = in_snapshot(engine, list_dead_letters)
    if as_json:
        print_json({"dead_letters": letters})
        return
    if not letters:
        print_line("No dead letters.")
        return
    table = new_table("run", "source", "frame", "at (UTC)", "reason")
    for letter in letters:
        frame = "" if letter.frame_index is None else str(letter.frame_index)
        table.add_row(
            letter.run_id,
            Text(letter.source),
            frame,
            format_time(letter.at),
            Text(letter.reason),
        )
    Screen().print(table)
