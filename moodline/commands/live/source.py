"""`moodline source`: add, list, test, change and remove live sources."""

import os
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import BrokerError, SourceNotFoundError
from moodline.commands.live.uri_argument import typed_uri
from moodline.commands.options import JsonOption, group_app
from moodline.commands.session import current_actor, open_records, read_settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from broker.reports import SourceReport
    from contracts.settings import Settings

app = group_app("Add, list, test and change the live sources: cameras and streams.")

_DEFAULT_FPS: Final = 5.0
_DEFAULT_SIDE: Final = 720
_URI_HELP: Final = (
    "A camera number, /dev/video0, rtsp://, http:// (MJPEG, HLS) or a file; - prompts for it. "
    "${NAME} is replaced from the environment of the host that opens the source."
)

NameArgument = Annotated[str, typer.Argument(help="Name of the source.")]
FpsOption = Annotated[
    float | None, typer.Option(min=0.1, max=240, help="Frames to analyse per second, at most.")
]
SideOption = Annotated[
    int | None,
    typer.Option(min=160, max=8192, help="Scale frames so that no side has more pixels."),
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Tag; can be repeated.")]
HostOption = Annotated[
    str | None,
    typer.Option(
        help="Host that opens the source, or `any`. Default: this host for cameras and files."
    ),
]


@app.command(
    "add",
    epilog="Examples: [cyan]moodline source add desk 0[/] · "
    "[cyan]moodline source add door 'rtsp://me:${DOOR_PASSWORD}@camera.local/live' --fps 5[/]",
)
def source_add(  # noqa: PLR0913, PLR0917  (one parameter per option)
    name: NameArgument,
    uri: Annotated[str, typer.Argument(help=_URI_HELP)],
    fps: FpsOption = _DEFAULT_FPS,
    max_side: SideOption = _DEFAULT_SIDE,
    tag: TagOption = None,
    loop: Annotated[bool, typer.Option("--loop", help="Repeat a file forever.")] = False,
    host: HostOption = None,
) -> None:
    """Add a live source. A running moodline starts to read it within two seconds."""
    from moodline.adapters.source_settings import source_settings
    from moodline.stack.running_stack import running_broker
    from moodline.terminal.output import print_line
    from records.sources.live_sources import add_source

    settings = read_settings()
    source = source_settings(
        settings,
        typed_uri(uri),
        fps=fps,
        max_side=max_side,
        tags=tuple(tag or ()),
        looped=loop,
        host=host,
    )
    with open_records(settings) as engine:
        add_source(engine, name, source, actor=current_actor())
    print_line(f"Added {name}: {source.shown_uri}")
    if not running_broker(settings):
        print_line("It is not read yet. Start `moodline up`.")


@app.command("list", epilog="Example: [cyan]moodline source list[/]")
def source_list(as_json: JsonOption = False) -> None:
    """List the live sources and their states."""

    from analytics.now.live_status import live_status
    from analytics.snapshots import in_snapshot
    from moodline.terminal.live_table import live_table
    from moodline.terminal.output import Screen, print_json, print_line

    settings = read_settings()
    with open_records(settings) as engine:
        sources = in_snapshot(engine, live_status, _source_reports(settings, engine))
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
        source = read_source(engine, name, _source_reports(settings, engine))
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
    source: Annotated[str, typer.Argument(help="Name of a source, or a URI; - prompts for it.")],
    as_json: JsonOption = False,
) -> None:
    """Read a source for three seconds, and show its resolution, codec, frame rate and faces."""
    from moodline.adapters.source_probe import probe
    from moodline.terminal.output import print_json, print_line
    from records.sources.live_sources import find_source

    settings = read_settings()
    source = typed_uri(source)
    uri, max_side = source, _DEFAULT_SIDE
    with open_records(settings) as engine:
        try:
            known = find_source(engine, source)
        except SourceNotFoundError:
            if not (source.isdecimal() or "/" in source):  # Not a URI either.
                raise
        else:
            from records.sources.sealing import Sealer

            uri = Sealer(settings.secret_key, settings.home_path).resolve(known.uri, os.environ)
            max_side = known.max_side or settings.max_frame_side
    report, _picture = probe(settings, uri, max_side=max_side)
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


@app.command("edit", epilog="Example: [cyan]moodline source edit door --fps 10 --tag front[/]")
def source_edit(  # noqa: PLR0913, PLR0917  (one parameter per option)
    name: NameArgument,
    uri: Annotated[str | None, typer.Option(help=_URI_HELP)] = None,
    fps: FpsOption = None,
    max_side: SideOption = None,
    tag: TagOption = None,
    loop: Annotated[
        bool | None, typer.Option("--loop/--no-loop", help="Repeat a file forever.")
    ] = None,
    host: HostOption = None,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Remove all tags.")] = False,
) -> None:
    """Change a source. It is opened again; other sources are not interrupted."""
    from moodline.adapters.source_settings import source_settings
    from moodline.terminal.output import print_line
    from records.sources.live_sources import edit_source, find_source
    from records.sources.sealing import Sealer

    settings = read_settings()
    with open_records(settings) as engine:
        known = find_source(engine, name)
        sealer = Sealer(settings.secret_key, settings.home_path)
        tags = known.tags if tag is None else tuple(tag)
        source = source_settings(
            settings,
            typed_uri(uri) if uri else sealer.unseal(known.uri),
            fps=fps or known.sampling_fps,
            max_side=max_side or known.max_side,
            tags=() if no_tags else tags,
            looped=known.looped if loop is None else loop,
            host=host or (None if uri else known.host or "any"),
        )
        edit_source(engine, name, source, actor=current_actor())
    print_line(f"Changed {name}: {source.shown_uri}")


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


def _source_reports(settings: "Settings", engine: "Engine") -> "list[SourceReport]":
    """Return the heartbeats of the live sources; none, with a warning, if the broker is away."""
    from rich.text import Text

    from broker.bus import Bus
    from broker.presence import Presence
    from broker.reports import SourceReport
    from contracts.redaction import redact
    from moodline.stack.running_stack import running_broker
    from moodline.terminal.output import error_console
    from records.broker_key import read_broker_key
    from runtime.visible_text import visible

    url = running_broker(settings)
    if not url:
        return []
    try:
        bus = Bus.connect(url, read_broker_key(engine))
        try:
            return Presence(bus, SourceReport).alive()
        finally:
            bus.close()
    except BrokerError as exc:
        error_console().print(Text(visible(redact(exc.line())), style="yellow"))
        return []
