"""`moodline source`: add, list, test, change and remove live sources."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import BrokerError, SourceError, SourceNotFoundError
from moodline.commands.live.source_discover import DISCOVER_EXAMPLES, source_discover
from moodline.commands.live.source_settings import (
    ADD_EXAMPLES,
    EDIT_EXAMPLES,
    source_add,
    source_edit,
)
from moodline.commands.live.uri_argument import NameArgument, typed_uri
from moodline.commands.options import JsonOption, group_app
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.stored_names import complete_live_source

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from broker.heartbeats import Heartbeats
    from contracts.settings import Settings

app = group_app("Add, list, test and change the live sources: cameras and streams.")

app.command("add", epilog=ADD_EXAMPLES)(source_add)
app.command("discover", epilog=DISCOVER_EXAMPLES)(source_discover)


@app.command("list", epilog="Example: [cyan]moodline source list[/]")
def source_list(as_json: JsonOption = False) -> None:
    """List the live sources and their states."""

    from analytics.now.live_status import live_status
    from analytics.snapshots import in_snapshot
    from moodline.terminal.live_table import live_table
    from moodline.terminal.output import Screen, print_json, print_line

    settings = read_settings()
    with open_records(settings) as engine:
        sources = in_snapshot(engine, live_status, _heartbeats(settings, engine))
    if as_json:
        print_json({"sources": sources})
    elif not sources:
        print_line("No live sources yet. Add a webcam with `moodline source add desk 0`.")
    else:
        Screen().print(live_table(sources))


@app.command("show", epilog="Example: [cyan]moodline source show door[/]")
def source_show(name: NameArgument, as_json: JsonOption = False) -> None:
    """Show one source: its settings, its state, and its uptime in the last 24 hours."""
    from moodline.commands.live.source_report import print_source, read_source
    from moodline.terminal.output import print_json

    settings = read_settings()
    with open_records(settings) as engine:
        source = read_source(engine, name, _heartbeats(settings, engine))
    if as_json:
        print_json(source.as_json())
    else:
        print_source(source)


@app.command(
    "test",
    epilog="Examples: [cyan]moodline source test door[/] · "
    "[cyan]moodline source test rtsp://camera.local/live[/]",
)
def source_test(
    source: Annotated[
        str,
        typer.Argument(
            autocompletion=complete_live_source,
            help="Name of a source, or a URI; - prompts for it.",
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Read a source for three seconds, and show its resolution, codec, frame rate and faces."""
    from moodline.adapters.probing.probe_failures import explained_failure
    from moodline.adapters.probing.probed_source import ProbedSource
    from moodline.adapters.probing.source_probe import probe
    from moodline.terminal.output import print_json, print_line
    from records.sources.live_sources import find_source

    settings = read_settings()
    source = typed_uri(source)
    probed = ProbedSource(source)
    with open_records(settings) as engine:
        try:
            known = find_source(engine, source)
        except SourceNotFoundError:
            if not (source.isdecimal() or "/" in source):  # Not a URI either.
                raise
        else:
            from records.sources.sealing import Sealer

            sealer = Sealer(settings.secret_key, settings.home_path)
            probed = ProbedSource.of(known, sealer.resolve(known.uri, os.environ))
    try:
        report, _picture = probe(settings, probed)
    except SourceError as exc:
        raise explained_failure(probed.uri, exc) from exc
    if as_json:
        print_json(report)
        return
    claimed = f" (the source claims {report.rate:.4g})" if report.rate else ""
    print_line(f"{report.source}: {report.width}x{report.height} {report.codec}")
    print_line(
        f"  {report.fps:.1f} frames per second{claimed}; "
        f"first frame after {report.first_picture_s:.2f} s"
    )
    faces = f"up to {report.faces} per frame" if report.faces else "none"
    print_line(f"  faces: {faces}; in {report.with_face} of {report.looked} frames searched")
    if report.corrupt:
        print_line(f"  {report.corrupt} packets could not be decoded")


@app.command("pause", epilog="Example: [cyan]moodline source pause door[/]")
def source_pause(name: NameArgument) -> None:
    """Stop reading a source until it is resumed."""
    _pause(name, paused=True)


@app.command("resume", epilog="Example: [cyan]moodline source resume door[/]")
def source_resume(name: NameArgument) -> None:
    """Resume a paused source."""
    _pause(name, paused=False)


@app.command("rename", epilog="Example: [cyan]moodline source rename door entrance[/]")
def source_rename(
    name: NameArgument, new_name: Annotated[str, typer.Argument(help="The new name.")]
) -> None:
    """Rename a source. Its history stays with it, and links with the old name go on to work."""
    from moodline.terminal.output import print_line
    from records.sources.renaming import rename_source

    with open_records(read_settings()) as engine:
        before = rename_source(engine, name, new_name, actor=current_actor())
    print_line(f"Renamed {before} to {new_name}.")


app.command("edit", epilog=EDIT_EXAMPLES)(source_edit)


@app.command("zones", epilog="Example: [cyan]moodline source zones door > door.yaml[/]")
def source_zones(name: NameArgument) -> None:
    """Print the zones of a source as YAML, for the option --zones of other commands."""
    from moodline.commands.zone_options import zones_yaml
    from records.sources.live_sources import find_source

    with open_records(read_settings()) as engine:
        known = find_source(engine, name)
    typer.echo(zones_yaml(known.pictures), nl=False)


@app.command("remove", epilog="Example: [cyan]moodline source remove door[/]")
def source_remove(name: NameArgument) -> None:
    """Stop reading a source and delete its URI. Its runs are kept."""
    from moodline.terminal.output import print_line
    from records.sources.live_sources import remove_source

    with open_records(read_settings()) as engine:
        remove_source(engine, name, actor=current_actor())
    print_line(f"Removed {name}. List its runs with `moodline runs list --source {name}`.")


def _pause(name: str, *, paused: bool) -> None:
    from moodline.terminal.output import print_line
    from records.sources.live_sources import pause_source

    with open_records(read_settings()) as engine:
        pause_source(engine, name, paused=paused, actor=current_actor())
    print_line(f"{'Paused' if paused else 'Resumed'} {name}.")


def _heartbeats(settings: "Settings", engine: "Engine") -> "Heartbeats | None":
    """Return the heartbeats; None, with a warning, if the broker is away."""
    from rich.text import Text

    from broker.bus import Bus
    from broker.heartbeats import Heartbeats
    from broker.presence import read_heartbeats
    from contracts.redaction import redact
    from moodline.stack.running_stack import running_broker
    from moodline.terminal.output import error_console
    from records.broker_key import read_broker_key
    from runtime.visible_text import visible

    url = running_broker(settings)
    if not url:
        return Heartbeats()
    try:
        bus = Bus.connect(url, read_broker_key(engine))
        try:
            return read_heartbeats(bus)
        finally:
            bus.close()
    except BrokerError as exc:
        error_console().print(Text(visible(redact(exc.line())), style="yellow"))
        return None
