"""`moodline jobs`: the queue of recordings."""

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from moodline.commands.options import JsonOption, group_app
from moodline.commands.session import open_records, read_settings
from moodline.commands.stored_names import complete_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from analytics.runs.run_list import RunLine

app = group_app("List, follow, cancel and repeat analyses of recordings.")

_POLL_S: Final = 0.5


@app.command("list", epilog="Example: [cyan]moodline jobs list[/]")
def jobs_list(as_json: JsonOption = False) -> None:
    """List the runs that have not ended, the oldest first."""
    from rich.text import Text

    from analytics.runs.run_list import list_open_runs
    from analytics.snapshots import in_snapshot
    from moodline.terminal.output import Screen, format_time, new_table, print_json, print_line

    with open_records(read_settings()) as engine:
        jobs = in_snapshot(engine, list_open_runs)
    if as_json:
        print_json({"jobs": jobs})
        return
    if not jobs:
        print_line("No jobs. Queue a recording with `moodline analyze VIDEO --detach`.")
        return
    table = new_table("run", "source", "state", "frames", "queued (UTC)", right=["frames"])
    for job in jobs:
        table.add_row(
            job.run_id,
            Text(job.source),
            str(job.state),
            f"{job.frames_analyzed:,}",
            format_time(job.queued_at),
        )
    Screen().print(table)


@app.command("watch", epilog="Example: [cyan]moodline jobs watch[/]")
def jobs_watch(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=complete_run, help="Run ids. Default: all runs that have not ended."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show progress until the jobs have ended. The exit status is 1 if any of them failed."""
    from rich.text import Text

    from moodline.terminal.output import Screen, print_json
    from runtime.visible_text import visible

    with open_records(read_settings()) as engine:
        ended = _wait_until_ended(engine, runs)
    failed = [job for job in ended if job.error]
    if as_json:
        print_json({"jobs": ended})
    else:
        for job in failed:
            line = Text(visible(f"{job.source}: "), style="bold red")
            Screen().print(
                line.append(visible(job.error), style="not bold default"), soft_wrap=True
            )
    raise typer.Exit(1 if failed else 0)


@app.command("cancel", epilog="Example: [cyan]moodline jobs cancel 261123-88ad06a5[/]")
def jobs_cancel(
    run: Annotated[
        str, typer.Argument(autocompletion=complete_run, help="Run id, from `moodline jobs list`.")
    ],
) -> None:
    """Cancel a run. The rows that it already has are kept."""
    from moodline.terminal.output import print_line
    from records.runs.state_changes import cancel_run

    with open_records(read_settings()) as engine:
        cancelled = cancel_run(engine, run)
    print_line(f"Cancelled {run}." if cancelled else f"{run} has already ended.")


@app.command("again", epilog="Example: [cyan]moodline jobs again 261123-88ad06a5[/]")
def jobs_again(
    runs: Annotated[
        list[str],
        typer.Argument(autocompletion=complete_run, help="Run ids, from `moodline runs list`."),
    ],
) -> None:
    """Queue recordings again, with the present model and detector and the runs' other options.

    For runs that ended because no worker has their model or detector.
    """
    from moodline.analysis.again import queue_again
    from moodline.analysis.run_spec import analysis_spec
    from moodline.terminal.output import print_line
    from records.database import transaction

    settings = read_settings()
    spec = analysis_spec(settings)
    with open_records(settings) as engine, transaction(engine) as connection:
        for run in runs:
            job, queued = queue_again(connection, run, spec, settings.lease_s)
            done = "is done already" if queued.reused else "is queued"
            print_line(f"{job.source}: {queued.run_id} {done}.")


def _wait_until_ended(engine: "Engine", runs: "Sequence[str] | None") -> "list[RunLine]":
    """Show a progress bar until the runs have ended; return them. runs: None is all open ones."""
    from rich.progress import BarColumn, Progress, TextColumn

    from analytics.runs.run_list import find_runs, list_open_runs
    from analytics.snapshots import in_snapshot
    from contracts.runs import ENDED_STATES
    from moodline.terminal.output import Screen

    run_ids = list(runs) if runs else [job.run_id for job in in_snapshot(engine, list_open_runs)]
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[frames]:>14}"),
        console=Screen(stderr=True),
        transient=True,
    ) as progress:
        bar = progress.add_task(f"{len(run_ids):,} jobs", total=len(run_ids), frames="")
        while True:
            jobs = in_snapshot(engine, find_runs, run_ids)
            frames = sum(job.frames_analyzed for job in jobs)
            ended = [job for job in jobs if job.state in ENDED_STATES]
            progress.update(bar, completed=len(ended), frames=f"{frames:,} frames")
            if len(ended) == len(jobs):
                return list(jobs)
            time.sleep(_POLL_S)
