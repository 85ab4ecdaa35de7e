"""The command line."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import DBAPIError

from contracts.errors import MoodlineError, SettingsError
from contracts.redaction import redact
from contracts.settings import Device, Settings
from moodline import __version__
from moodline.commands.history import (
    audit_command,
    erase_command,
    forget_erased,
    rollups_app,
    schedule_app,
    trends_command,
)
from moodline.commands.jobs import app as jobs_app
from moodline.commands.jobs import dead_letters_command
from moodline.commands.model import app as model_app
from moodline.commands.records_session import records
from moodline.commands.source import app as source_app
from moodline.commands.user import app as user_app
from moodline.terminal.time_arguments import parse_moment
from records.database import downgrade, open_engine, schema_revision
from runtime.logs import configure_logs
from runtime.stop_signal import install_handlers

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="See how facial expressions move over time, in recordings and cameras.\n\n"
    "moodline reads expressions, not feelings; it identifies nobody and keeps no pictures.",
)
runs_app = typer.Typer(no_args_is_help=True, help="What was analysed.")
app.add_typer(runs_app, name="runs")
app.add_typer(source_app, name="source")
app.add_typer(jobs_app, name="jobs")
app.add_typer(model_app, name="model")
app.command("dead-letters", epilog="Example: [cyan]moodline dead-letters[/]")(dead_letters_command)
app.command("trends", epilog="Example: [cyan]moodline trends --source door --last 7d[/]")(
    trends_command
)
app.command("erase", epilog="Example: [cyan]moodline erase --source door --dry-run[/]")(
    erase_command
)
app.command("audit", epilog="Example: [cyan]moodline audit[/]")(audit_command)
app.add_typer(rollups_app, name="rollups")
app.add_typer(schedule_app, name="schedule")
app.add_typer(user_app, name="user")
db_app = typer.Typer(no_args_is_help=True, help="The database's schema.")
app.add_typer(db_app, name="db")


@app.command(
    epilog="Examples: [cyan]moodline analyze interview.mp4[/] · "
    "[cyan]moodline analyze recordings/ --fps 5 --export faces.csv[/]"
)
def analyze(  # noqa: PLR0913, PLR0917  (one parameter an option)
    paths: Annotated[list[str], typer.Argument(help="Files, folders or patterns.")],
    fps: Annotated[
        float | None, typer.Option(min=0.001, max=1000, help="Analyse that many frames a second.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Worker processes; by default, one a core.")
    ] = None,
    recorded_at: Annotated[
        str | None, typer.Option(help="When the recordings begin, ISO 8601; UTC if no zone.")
    ] = None,
    recorded_at_pattern: Annotated[
        str | None,
        typer.Option(help="Regular expression on the name, with groups year, month, day, ..."),
    ] = None,
    source: Annotated[str | None, typer.Option(help="One source name for all paths.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Analyse anew what is done.")] = False,
    export: Annotated[
        Path | None, typer.Option(help="Also write FILE.csv, .parquet or .jsonl.")
    ] = None,
    frames: Annotated[
        bool, typer.Option("--frames", help="Export a row for frames without faces too.")
    ] = False,
    annotate: Annotated[
        Path | None, typer.Option(help="Draw what was found onto a copy, OUT.mp4; one file.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Only queue them, for `moodline ingest` to take.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    no_progress: Annotated[bool, typer.Option("--no-progress", help="No progress bars.")] = False,
) -> None:
    """Analyse recordings: find, follow and read every face, and keep the records."""
    from moodline.analysis.analyze import AnalyzeOptions, analyze_paths

    settings = _settings()
    options = AnalyzeOptions(
        fps=fps,
        workers=workers,
        recorded_at=parse_moment(recorded_at, "--recorded-at") if recorded_at else None,
        recorded_at_pattern=recorded_at_pattern,
        source=source,
        again=again,
        export=export,
        frames=frames,
        annotate=annotate,
        detach=detach,
        as_json=as_json,
        progress=not (no_progress or as_json),
    )
    try:
        failed = analyze_paths(settings, paths, options)
    except KeyboardInterrupt:
        _errors().print("Stopped. The same command goes on where this one stopped.")
        raise typer.Exit(130) from None
    raise typer.Exit(1 if failed else 0)


@app.command(epilog="Examples: [cyan]moodline demo[/] · [cyan]moodline demo --camera 0[/]")
def demo(
    keep: Annotated[
        Path | None, typer.Option(help="Keep the rendered clips in this folder.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="Read a webcam instead: its number, or /dev/video0.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the dashboard at the end; 0: none.")
    ] = 8050,
) -> None:
    """Render clips with a known schedule, analyse them, compare, and open the dashboard."""
    from moodline.demo.demo import run_demo

    if camera is not None:
        from moodline.watch.summary import WatchOptions
        from moodline.watch.unregistered import watch

        raise typer.Exit(0 if watch(_settings(), camera, WatchOptions(), _console()) else 1)
    raise typer.Exit(0 if run_demo(_settings(), keep, port) else 1)


@app.command(
    "watch",
    epilog="Examples: [cyan]moodline watch 0[/] · [cyan]moodline watch door[/] · "
    "[cyan]moodline watch rtsp://user:password@camera.local/live --fps 5[/]",
)
def watch_command(
    source: Annotated[
        str,
        typer.Argument(help="A source's name, a camera's number, rtsp://, http:// or a file."),
    ],
    fps: Annotated[
        float | None, typer.Option(min=0.1, max=240, help="Analyse at most so many a second.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="End after so long; else at Ctrl-C.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary at the end as JSON.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="File for the summary as JSON; the chart is still shown.")
    ] = None,
) -> None:
    """Watch a source live in the terminal. Of one that is not added nothing is stored."""
    from moodline.watch.registered import watch_source
    from moodline.watch.summary import WatchOptions
    from moodline.watch.unregistered import watch
    from records.sources.live_sources import find_source

    settings = _settings()
    if not (source.isdecimal() or "/" in source or Path(source).exists()):
        with records(settings) as engine:
            find_source(engine, source)
            found = watch_source(
                settings, engine, source, WatchOptions(None, seconds, as_json, out), _console()
            )
        raise typer.Exit(0 if found else 1)
    options = WatchOptions(fps, seconds, as_json, out)
    raise typer.Exit(0 if watch(settings, source, options, _console()) else 1)


RunArgument = Annotated[str, typer.Argument(help="Its id, from `moodline runs list`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@runs_app.command("list", epilog="Example: [cyan]moodline runs list --limit 100[/]")
def runs_list(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="That many, newest first.")] = 30,
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List runs, the newest first."""
    from moodline.commands.runs import print_runs

    with records(_settings()) as engine:
        print_runs(engine, limit=limit, source=source, as_json=as_json, console=_console())


@runs_app.command("show", epilog="Example: [cyan]moodline runs show 01JD3Y8QFZ[/]")
def runs_show(run: RunArgument, as_json: JsonOption = False) -> None:
    """Show one run: what was read, and how much of the recording was seen."""
    from moodline.commands.runs import print_run

    with records(_settings()) as engine:
        print_run(engine, run, as_json=as_json, console=_console())


@runs_app.command("delete", epilog="Example: [cyan]moodline runs delete 01JD3Y8QFZ[/]")
def runs_delete(run: RunArgument) -> None:
    """Delete a run and all of its rows."""
    from moodline.commands.runs import delete

    with records(_settings()) as engine:
        delete(engine, run, _console())


@app.command("summary", epilog="Example: [cyan]moodline summary 261123-88ad06a5 --out reports[/]")
def summary_command(
    run: RunArgument,
    out: Annotated[Path, typer.Option(help="Folder for the two files.")] = Path(),
) -> None:
    """Write what a run says as JSON, and as one HTML page with its charts."""
    from moodline.commands.summary import write_summary

    with records(_settings()) as engine:
        write_summary(engine, run, out, _console())


@app.command(
    epilog="Examples: [cyan]moodline export --out all.parquet[/] · "
    "[cyan]moodline export --source door --from 2026-11-01 --to 2026-12-01 --out november.csv[/]"
)
def export(  # noqa: PLR0913, PLR0917  (one parameter an option)
    out: Annotated[Path, typer.Option(help="FILE.csv, .parquet or .jsonl.")],
    run: Annotated[list[str] | None, typer.Option(help="Of this run; can be repeated.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Of this source; can be repeated.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Captured at or after this ISO 8601 moment.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="Captured before this ISO 8601 moment.")
    ] = None,
    frames: Annotated[
        bool, typer.Option("--frames", help="A row for frames without faces too.")
    ] = False,
) -> None:
    """Write records to a file: a row per face per frame."""
    from moodline.commands import runs as record_commands

    with records(_settings()) as engine:
        record_commands.export(
            engine,
            out,
            runs=tuple(run or ()),
            sources=tuple(source or ()),
            since=parse_moment(since, "--from") if since else None,
            until=parse_moment(until, "--to") if until else None,
            frames=frames,
            console=_console(),
        )


@app.command(epilog="Examples: [cyan]moodline up[/] · [cyan]moodline up --workers 2 --port 8080[/]")
def up(
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Worker processes; by default, one a core.")
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Recordings decoded at a time.")] = 2,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Of the dashboard, on loopback; 0: none.")
    ] = 8050,
) -> None:
    """Run all of moodline on this machine: broker, sources, workers, scheduler, dashboard."""
    from moodline.services.up import run_up

    settings = _settings("up")
    run_up(settings, workers=workers or os.cpu_count() or 1, parallel=parallel, port=port)


@app.command(epilog="Example: [cyan]moodline ingest --parallel 4[/]")
def ingest(
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Recordings decoded at a time.")] = 2,
) -> None:
    """Serve: read live sources and queued recordings, until SIGTERM. Needs servers of your own."""
    from moodline.services.up import run_ingest

    run_ingest(_settings("ingest"), parallel=parallel)


@app.command(epilog="Examples: [cyan]moodline worker[/] · [cyan]moodline worker --device gpu[/]")
def worker(
    device: Annotated[
        Device, typer.Option(help="Where to classify; auto: a GPU where one can be used.")
    ] = Device.AUTO,
) -> None:
    """Serve: analyse what is published, until SIGTERM. Needs servers of your own."""
    from moodline.services.up import run_worker

    run_worker(_settings("worker"), device)


@app.command(
    epilog="Examples: [cyan]moodline dashboard[/] · [cyan]moodline dashboard --port 8080[/]"
)
def dashboard(
    host: Annotated[str, typer.Option(help="Beyond loopback one signs in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it answers.")] = 8050,
    prefix: Annotated[str, typer.Option(help="Path before all of its own, behind a proxy.")] = "/",
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="Have people sign in on loopback, too.")
    ] = False,
) -> None:
    """Serve the dashboard: what was expressed, where and when, and how much of it was seen."""
    from dashboard.server import serve
    from dashboard.web.backend import Backend
    from moodline.adapters.image_reader import ImageDesk
    from moodline.adapters.recordings import RecordingDesk, uploads_of
    from moodline.adapters.sources import SourceDesk
    from moodline.commands.status import read_status
    from moodline.demo.camera import start_demo
    from moodline.services.heartbeat import Heartbeat
    from moodline.services.scheduler import job_lines
    from moodline.stack.running_stack import running_broker

    settings = _settings("dashboard")
    with records(settings) as engine:
        backend = Backend(
            engine,
            settings,
            broker_url=lambda: running_broker(settings),
            start_demo=lambda: start_demo(settings, engine),
            sources=SourceDesk(settings, engine),
            recordings=RecordingDesk(settings, engine, uploads_of(settings, engine)),
            read_image=ImageDesk().read,
            status=lambda: read_status(settings, engine),
            jobs=lambda: job_lines(settings, engine),
            forget_erased=lambda receipt: forget_erased(settings, engine, receipt),
        )
        with Heartbeat("dashboard", backend.broker_url):
            serve(backend, host=host, port=port, prefix=prefix, sign_in=sign_in)


@app.command(epilog="Example: [cyan]moodline scheduler[/]")
def scheduler() -> None:
    """Serve: rollups, retention, maintenance, watched folders. One is active, others stand by."""
    from moodline.services.scheduler import run_scheduler

    run_scheduler(_settings("scheduler"))


@app.command(epilog="Examples: [cyan]moodline status[/] · [cyan]moodline status --watch[/]")
def status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Again each second, until Ctrl-C.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what goes on: sources, runs, workers, broker, database."""
    from moodline.commands.status import show_status

    show_status(_settings(), watch=watch, as_json=as_json, console=_console())


@db_app.command("upgrade", epilog="Example: [cyan]moodline db upgrade[/]")
def db_upgrade() -> None:
    """Bring the database's schema to this version's."""
    with records(_settings()) as engine:
        _console().print(f"{redact(str(engine.url))}: schema {schema_revision(engine)}")


@db_app.command("downgrade", epilog="Example: [cyan]moodline db downgrade --to 0001 --yes[/]")
def db_downgrade(
    to: Annotated[str, typer.Option(help="A revision, or base: no table at all.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="What the newer schema added is lost.")
    ] = False,
) -> None:
    """Take the schema back, for an older moodline. What the newer one added is lost."""
    settings = _settings()
    if not yes:
        raise SettingsError(
            "a downgrade loses what the newer schema added", hint="Back up, then add --yes"
        )
    engine = open_engine(settings.effective_database_url)
    downgrade(engine, to)
    _console().print(f"{redact(str(engine.url))}: schema {schema_revision(engine) or 'base'}")
    engine.dispose()


@app.command(epilog="Example: [cyan]moodline doctor[/]")
def doctor() -> None:
    """Check the installation: model, detector, database and broker."""
    from moodline.commands.doctor import check_installation

    raise typer.Exit(0 if check_installation(_settings(), _console()) else 1)


@app.command(epilog="Example: [cyan]moodline version[/]")
def version() -> None:
    """Print the version."""
    _console().print(__version__, highlight=False)


def main() -> None:
    """Run the command line; what moodline can name is one line, never a traceback."""
    install_handlers()
    try:
        app()
    except MoodlineError as exc:
        _errors().print(f"[bold red]error:[/] {escape(redact(exc.line()))}", highlight=False)
        sys.exit(2 if isinstance(exc, SettingsError) else 1)
    except DBAPIError as exc:
        reason = str(exc.orig or exc).strip().splitlines()[0]
        _errors().print(f"[bold red]error:[/] database: {escape(redact(reason))}", highlight=False)
        sys.exit(1)


def _settings(service: str = "") -> Settings:
    settings = Settings.read()
    configure_logs(settings.log_level, service=service)
    return settings


def _errors() -> Console:
    return Console(stderr=True, soft_wrap=True)


def _console() -> Console:
    return Console()


if __name__ == "__main__":
    main()
