"""`moodline jobs` and `moodline dead-letters`: what is queued, what goes on, what was set aside."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from analytics.runs.dead_letters import list_dead_letters
from analytics.runs.run_list import RunLine, open_runs, run_lines
from contracts.runs import ENDED_STATES
from contracts.settings import Settings
from moodline.commands.records_session import records
from moodline.commands.runs import print_json
from records.runs.queue import cancel_run

app = typer.Typer(no_args_is_help=True, help="Recordings that services work through.")

_POLL_S: Final = 0.5
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command("list", epilog="Example: [cyan]moodline jobs list[/]")
def jobs_list(as_json: JsonOption = False) -> None:
    """List the runs that have not ended, the oldest first."""
    with records(Settings.read()) as engine:
        jobs = open_runs(engine)
    if as_json:
        print_json({"jobs": [_plain(asdict(job)) for job in jobs]})
        return
    if not jobs:
        Console().print("No jobs. `moodline analyze VIDEO --detach` queues some.", highlight=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "source", "state", "frames", "queued (UTC)"):
        table.add_column(name, justify="right" if name == "frames" else "left")
    for job in jobs:
        table.add_row(
            job.run_id,
            Text(job.source),
            str(job.state),
            f"{job.frames_analyzed:,}",
            f"{job.queued_at:%Y-%m-%d %H:%M:%S}",
        )
    Console().print(table)


@app.command("watch", epilog="Example: [cyan]moodline jobs watch[/]")
def jobs_watch(
    runs: Annotated[
        list[str] | None, typer.Argument(help="Run ids; by default all that have not ended.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show progress until the jobs have ended; the status is 1 when any failed."""
    with records(Settings.read()) as engine:
        ended = _watch(engine, runs)
    if as_json:
        print_json({"jobs": [_plain(asdict(job)) for job in ended]})
    failed = [job for job in ended if job.error]
    for job in failed:
        if not as_json:
            line = Text(f"{job.source}: ", style="bold red")
            Console().print(line.append(job.error, style="not bold default"), soft_wrap=True)
    raise typer.Exit(1 if failed else 0)


@app.command("cancel", epilog="Example: [cyan]moodline jobs cancel 261123-88ad06a5[/]")
def jobs_cancel(
    run: Annotated[str, typer.Argument(help="Its id, from `moodline jobs list`.")],
) -> None:
    """End a run that has not ended; the rows that it has stay."""
    with records(Settings.read()) as engine:
        cancelled = cancel_run(engine, run)
    Console().print(f"Cancelled {run}." if cancelled else f"{run} had ended.", highlight=False)


def dead_letters_command(as_json: JsonOption = False) -> None:
    """List the frames that were set aside instead of analysed, and why."""
    with records(Settings.read()) as engine:
        letters = list_dead_letters(engine)
    if as_json:
        print_json({"dead_letters": [_plain(asdict(letter)) for letter in letters]})
        return
    if not letters:
        Console().print("No frame was set aside.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("run", "source", "frame", "at (UTC)", "reason"):
        table.add_column(name)
    for letter in letters:
        frame = "" if letter.frame_index is None else str(letter.frame_index)
        at = f"{letter.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(letter.run_id, Text(letter.source), frame, at, Text(letter.reason))
    Console().print(table)


def _watch(engine: Engine, runs: Sequence[str] | None) -> list[RunLine]:
    wanted = list(runs) if runs else [job.run_id for job in open_runs(engine)]
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[frames]:>14}"),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        bar = progress.add_task(f"{len(wanted):,} jobs", total=len(wanted), frames="")
        while True:
            jobs = run_lines(engine, wanted)
            frames = sum(job.frames_analyzed for job in jobs)
            ended = [job for job in jobs if job.state in ENDED_STATES]
            progress.update(bar, completed=len(ended), frames=f"{frames:,} frames")
            if len(ended) == len(jobs):
                return list(jobs)
            time.sleep(_POLL_S)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(values, default=_moment))
    return plain


def _moment(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
