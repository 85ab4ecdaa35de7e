"""`moodline runs`: list, show and delete runs."""

from typing import Annotated

import typer

from moodline.commands.options import JsonOption, RunArgument, group_app
from moodline.commands.session import open_records, read_settings

app = group_app("List, show and delete runs.")


@app.command("list", epilog="Example: [cyan]moodline runs list --limit 100[/]")
def runs_list(
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Number of runs to list, the newest first.")
    ] = 30,
    source: Annotated[str | None, typer.Option(help="Only runs of this source.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest runs."""
    from moodline.commands.recordings.run_report import print_runs

    with open_records(read_settings()) as engine:
        print_runs(engine, limit=limit, source=source, as_json=as_json)


@app.command("show", epilog="Example: [cyan]moodline runs show 261123-88ad06a5[/]")
def runs_show(run: RunArgument, as_json: JsonOption = False) -> None:
    """Show one run: its results, and how much of the recording was analysed."""
    from moodline.commands.recordings.run_report import print_run

    with open_records(read_settings()) as engine:
        print_run(engine, run, as_json=as_json)


@app.command("delete", epilog="Example: [cyan]moodline runs delete 261123-88ad06a5[/]")
def runs_delete(run: RunArgument) -> None:
    """Delete a run and all of its rows."""
    from analytics.removal.deletion import delete_run
    from analytics.runs.run_summary import run_summary
    from analytics.snapshots import in_snapshot
    from moodline.terminal.output import print_line

    with open_records(read_settings()) as engine:
        summary = in_snapshot(engine, run_summary, run)
        delete_run(engine, run)
    print_line(
        f"Deleted run {run} of {summary.source}: {summary.frames_analyzed:,} frames, "
        f"{summary.faces:,} faces, {summary.tracks:,} tracks."
    )
