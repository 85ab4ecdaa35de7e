"""`moodline trends`, `erase`, `audit`, `rollups`, `schedule`: history, and what is done with it."""

import random
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from analytics.removal.erasure import Receipt, erase
from analytics.removal.erasure_scope import Scope
from broker.bus import Bus
from broker.live_view import forget
from contracts.errors import BrokerError, SettingsError
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.commands.records_session import records
from moodline.commands.runs import print_json
from moodline.commands.user import actor
from moodline.stack.running_stack import running_broker
from moodline.terminal.time_arguments import parse_moment, parse_range, parse_span
from runtime.logs import configure_logs

rollups_app = typer.Typer(no_args_is_help=True, help="The sums by minute, quarter, hour and day.")
schedule_app = typer.Typer(no_args_is_help=True, help="What is done again and again.")

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
SourcesOption = Annotated[
    list[str] | None, typer.Option("--source", help="Of this source; can be repeated.")
]
TagsOption = Annotated[
    list[str] | None, typer.Option("--tag", help="Of sources with this tag; can be repeated.")
]
FromOption = Annotated[
    str | None, typer.Option("--from", help="Captured at or after this ISO 8601 moment.")
]
ToOption = Annotated[str | None, typer.Option("--to", help="Captured before this ISO 8601 moment.")]

_LEAST_EVERY_S: Final = 10


def trends_command(  # noqa: PLR0913, PLR0917  (one parameter an option)
    source: SourcesOption = None,
    tag: TagsOption = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="A tag whose sources are shown together, as one; can be repeated."),
    ] = None,
    last: Annotated[str, typer.Option(help="The last 30m, 24h, 7d, 4w.")] = "24h",
    since: FromOption = None,
    until: ToOption = None,
    zone: Annotated[
        str | None, typer.Option(help="Time zone of days and hours; by default MOODLINE_TIMEZONE.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show how expressions moved over time, with how much of it was seen."""
    from analytics.history.local_time import zone_named
    from analytics.history.rollups import fold_all
    from moodline.commands.trends import show_trends

    settings = _settings()
    clock = zone_named(zone or settings.timezone)
    begin, end = parse_range(since, until, last, zone=clock, now=utc_now())
    with records(settings) as engine:
        fold_all(engine)  # Where no scheduler runs, what is new is not folded yet.
        show_trends(
            engine,
            begin,
            end,
            clock,
            sources=source or [],
            tags=tag or [],
            groups=group or [],
            as_json=as_json,
            console=Console(),
        )


def erase_command(  # noqa: PLR0913, PLR0917
    source: Annotated[str | None, typer.Option(help="All of this source.")] = None,
    run: Annotated[str | None, typer.Option(help="This run.")] = None,
    since: FromOption = None,
    until: ToOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase what was recorded: rows, sums and live pictures. A receipt stays in the audit."""
    scope = Scope(
        source,
        run,
        parse_moment(since, "--from") if since else None,
        parse_moment(until, "--to") if until else None,
    )
    settings = _settings()

    def say(receipt: Receipt) -> None:
        if as_json:
            from dataclasses import asdict

            print_json(asdict(receipt) | {"at": receipt.at.isoformat()})
            return
        words = "would be erased" if receipt.dry_run else "erased"
        Console().print(
            f"{receipt.frames:,} frames with {receipt.faces:,} faces in {receipt.tracks:,} tracks, "
            f"{receipt.dead_letters:,} frames that were set aside, and sums of {receipt.rollups:,} "
            f"older frames, {words}: {receipt.runs:,} runs of "
            f"{', '.join(receipt.sources) or 'no source'}.",
            highlight=False,
            markup=False,
        )
        if receipt.number is not None:
            Console().print(f"Receipt {receipt.number}: `moodline audit` shows it.")

    with records(settings) as engine:
        who = actor()
        planned = erase(engine, scope, actor=who, dry_run=True)
        if dry_run:
            say(planned)
            return
        if not yes:
            say(planned)
            typer.confirm("Erase it for good?", abort=True)
        receipt = erase(engine, scope, actor=who)
        forget_erased(settings, engine, receipt)
    say(receipt)


def audit_command(as_json: JsonOption = False) -> None:
    """List what was erased, and who may sign in since when, and by whom."""
    from analytics.audit import audit_entries

    with records(_settings()) as engine:
        entries = audit_entries(engine)
    if as_json:
        print_json({"audit": [one | {"at": one["at"].isoformat()} for one in entries]})
        return
    if not entries:
        Console().print("Nothing was erased so far, and no user changed.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("receipt", "at (UTC)", "by", "what", "scope", "frames", "faces"):
        table.add_column(name)
    for entry in entries:
        details = entry["details"]
        scope = ", ".join(
            f"{name} {value}" for name, value in details.get("scope", details).items()
        )
        counts = "scope" in details
        table.add_row(
            str(entry["id"]),
            f"{entry['at']:%Y-%m-%d %H:%M:%S}",
            Text(entry["actor"]),
            entry["action"],
            Text(scope),
            f"{details['frames'] + details['rollups']:,}" if counts else "",
            f"{details['faces']:,}" if counts else "",
        )
    Console().print(table)


@rollups_app.command("rebuild", epilog="Example: [cyan]moodline rollups rebuild[/]")
def rollups_rebuild() -> None:
    """Compute all sums anew from the rows that are kept; what is older stays as it is."""
    from analytics.history.rollups import fold_all, rebuild

    with records(_settings()) as engine:
        total = rebuild(engine, random.getrandbits(62))
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("minutes", total=total)
            folded = fold_all(engine, lambda some: progress.advance(bar, some))
    Console().print(f"{folded:,} minutes computed anew.", highlight=False)


@schedule_app.command("list", epilog="Example: [cyan]moodline schedule list[/]")
def schedule_list(as_json: JsonOption = False) -> None:
    """List what is done when, and how it went last."""
    from moodline.services.scheduler import job_lines

    settings = _settings()
    with records(settings) as engine:
        lines = job_lines(settings, engine)
    if as_json:
        moments = ("next", "last")
        print_json(
            {
                "jobs": [
                    line | {name: line[name] and line[name].isoformat() for name in moments}
                    for line in lines
                ]
            }
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("job", "when", "next (UTC)", "last (UTC)", "result"):
        table.add_column(name)
    for line in lines:
        table.add_row(
            Text(line["job"]),
            Text(line["when"]),
            _when(line["next"]),
            _when(line["last"]),
            Text(line["error"], style="red") if line["error"] else Text(line["result"]),
        )
    Console().print(table)


@schedule_app.command(
    "add-folder",
    epilog="Examples: [cyan]moodline schedule add-folder /recordings --every 10m[/] · "
    "[cyan]moodline schedule add-folder /recordings --cron '0 20 * * mon-fri' --fps 5[/]",
)
def schedule_add_folder(  # noqa: PLR0913, PLR0917
    path: Annotated[Path, typer.Argument(help="A folder with recordings, and those below it.")],
    every: Annotated[str | None, typer.Option(help="Look through it each 10m, 6h, 1d.")] = None,
    cron: Annotated[str | None, typer.Option(help="Or when cron would: five fields.")] = None,
    name: Annotated[str | None, typer.Option(help="By default, the folder's.")] = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, max=1000, help="Analyse that many frames a second.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="One source name for all of it.")] = None,
) -> None:
    """Have a folder looked through: new recordings that stopped growing are queued."""
    from analytics.history.local_time import zone_named
    from analytics.scheduler import cron as checked
    from contracts.shared_folders import SharedFolders
    from records.watched_folders import add_folder

    settings = _settings()
    if (every is None) == (cron is None):
        raise SettingsError("say when: --every or --cron", hint="Example: --every 10m")
    if cron is not None:
        checked(cron, zone_named(settings.timezone))
    every_s = round(parse_span(every, "--every").total_seconds()) if every else None
    if every_s is not None and every_s < _LEAST_EVERY_S:
        raise SettingsError("that is too often", hint=f"--every {_LEAST_EVERY_S}s at least")
    if not path.is_dir():
        raise SettingsError(f"{path} is no folder", hint="Make it, or mount it")
    stored = SharedFolders.parse(settings.shared_folders).stored(path)
    with records(settings) as engine:
        add_folder(
            engine,
            name or path.absolute().name,
            stored,
            every_s=every_s,
            cron=cron,
            sampling_fps=fps,
            source=source,
        )
    Console().print(
        f"{name or path.absolute().name} is looked through while `moodline up` or "
        "`moodline scheduler` runs.",
        highlight=False,
        markup=False,
    )


@schedule_app.command("remove", epilog="Example: [cyan]moodline schedule remove recordings[/]")
def schedule_remove(
    name: Annotated[str, typer.Argument(help="Its name, from `moodline schedule list`.")],
) -> None:
    """Look through a folder no more; what was queued stays."""
    from records.watched_folders import remove_folder

    with records(_settings()) as engine:
        remove_folder(engine, name.removeprefix("folder "))
    Console().print(f"{name} is looked through no more.", highlight=False, markup=False)


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def forget_erased(settings: Settings, engine: Engine, receipt: Receipt) -> None:
    """What is left of it beside the records: pictures in the broker, and files on this host.

    The live picture, frames that were set aside, uploads of runs that are gone, and annotated
    copies. Other hosts' files go with their scheduler's job `uploads`.
    """
    from moodline.adapters.recordings import forget_recordings

    forget_recordings(settings, engine, receipt.run_ids)
    url = running_broker(settings)
    if not url:
        return
    with suppress(BrokerError):
        bus = Bus.connect(url)
        try:
            bus.drop_letters(receipt.run_ids)
            for name in receipt.sources:
                forget(bus, name)
        finally:
            bus.close()


def _settings() -> Settings:
    settings = Settings.read()
    configure_logs(settings.log_level)
    return settings
