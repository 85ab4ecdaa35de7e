"""`moodline runs`: list, show and delete runs, and set the time of a recording."""

from typing import Annotated

import typer

from moodline.commands.options import JsonOption, RunArgument, group_app
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.stored_names import complete_source

app = group_app("List, show and delete runs, and set the time of a recording.")


@app.command("list", epilog="Example: [cyan]moodline runs list --limit 100[/]")
def runs_list(
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, help="Number of runs to list, the newest first.")
    ] = 30,
    source: Annotated[
        str | None, typer.Option(autocompletion=complete_source, help="Only runs of this source.")
    ] = None,
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

    settings = read_settings()
    with open_records(settings) as engine:
        print_run(settings, engine, run, as_json=as_json)


@app.command(
    "set-time",
    epilog="Example: [cyan]moodline runs set-time 261123-88ad06a5 2026-03-01T09:30:00+01:00[/]",
)
def runs_set_time(
    run: RunArgument,
    recorded_at: Annotated[
        str,
        typer.Argument(
            help="ISO 8601 time at which the recording begins; in MOODLINE_TIMEZONE if it has no "
            "offset."
        ),
    ],
) -> None:
    """Set when a recording was made: its rows, trends and exports move to that time."""
    from analytics.history.rollups import roll_up_all
    from moodline.terminal.output import print_line
    from moodline.terminal.time_arguments import parse_time
    from records.runs.recorded_time import set_recorded_at

    settings = read_settings()
    at = parse_time(recorded_at, "the time", settings.timezone)
    with open_records(settings) as engine:
        set_recorded_at(engine, run, at, actor=current_actor())
        roll_up_all(engine)
    print_line(f"Run {run} begins at {at:%Y-%m-%d %H:%M:%S} UTC now.")


@app.command("delete", epilog="Example: [cyan]moodline runs delete 261123-88ad06a5[/]")
def runs_delete(run: RunArgument) -> None:
    """Delete a run with all of its rows, its upload and its annotated copy."""
    from analytics.removal.erasure import erase_run
    from analytics.runs.run_summary import run_summary
    from analytics.snapshots import in_snapshot
    from moodline.adapters.erased_copies import delete_erased_copies
    from moodline.terminal.output import print_line

    settings = read_settings()
    with open_records(settings) as engine:
        summary = in_snapshot(engine, run_summary, run)
        receipt = erase_run(
            engine,
            run,
            actor=current_actor(),
            delete_copies=lambda receipt: delete_erased_copies(settings, engine, receipt),
        )
    print_line(
        f"Deleted run {run} of {summary.source}: {summary.frames_analyzed:,} frames, "
        f"{summary.faces:,} faces, {summary.tracks:,} tracks."
    )
    if receipt.remains:
        print_line(f"Deleted data may remain in {receipt.remains}.")
