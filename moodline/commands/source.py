"""`moodline source`: add, list, test, pause and remove live sources, also while they are read."""

import os
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy import Engine

from analytics.now.live_sources import latest_intervals, uptime
from analytics.now.live_status import live_status
from broker.bus import Bus
from broker.presence import Presence, SourceReport
from contracts.errors import BrokerError, SourceNotFoundError
from contracts.live_sources import LiveSource
from contracts.redaction import redact
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.commands.records_session import records
from moodline.commands.runs import print_json
from moodline.commands.status import live_table
from moodline.stack.running_stack import running_broker
from records.sources.live_sources import add_source, find_source, pause_source, remove_source
from records.sources.live_sources import edit_source as save_source
from records.sources.sealing import Sealer

app = typer.Typer(no_args_is_help=True, help="Cameras and streams that are read live.")

_DEFAULT_FPS: Final = 5.0
_DEFAULT_SIDE: Final = 720
_SHOWN_INTERVALS: Final = 8
_DAY: Final = timedelta(days=1)

Name = Annotated[str, typer.Argument(help="The source's name.")]
UriHelp: Final = (
    "A camera's number, /dev/video0, rtsp://, http:// (MJPEG, HLS) or a file; - asks for it. "
    "${NAME} in it is read from the environment of the host that opens it."
)
FpsOption = Annotated[
    float | None, typer.Option(min=0.1, max=240, help="Analyse at most so many frames a second.")
]
SideOption = Annotated[
    int | None, typer.Option(min=160, max=8192, help="Scale frames to so many pixels a side.")
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="A tag; can be repeated.")]
HostOption = Annotated[
    str | None,
    typer.Option(help="The host that opens it, or any. By default this one for what is local."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command(
    "add",
    epilog="Examples: [cyan]moodline source add desk 0[/] · "
    "[cyan]moodline source add door 'rtsp://me:${DOOR_PASSWORD}@camera.local/live' --fps 5[/]",
)
def source_add(  # noqa: PLR0913, PLR0917  (one parameter an option)
    name: Name,
    uri: Annotated[str, typer.Argument(help=UriHelp)],
    fps: FpsOption = _DEFAULT_FPS,
    max_side: SideOption = _DEFAULT_SIDE,
    tag: TagOption = None,
    loop: Annotated[bool, typer.Option("--loop", help="Play a file without end.")] = False,
    host: HostOption = None,
) -> None:
    """Add a source. A running moodline reads it within two seconds."""
    from moodline.adapters.source_settings import described as settings_of

    settings = Settings.read()
    told = settings_of(
        settings,
        _asked(uri),
        fps=fps,
        max_side=max_side,
        tags=tuple(tag or ()),
        looped=loop,
        host=host,
    )
    with records(settings) as engine:
        add_source(engine, name, told)
    _say(f"{name}: {told.shown_uri}")
    if not running_broker(settings):
        _say("Nothing reads it yet: start `moodline up`.")


@app.command("list", epilog="Example: [cyan]moodline source list[/]")
def source_list(as_json: JsonOption = False) -> None:
    """List the live sources, and what each does now."""
    settings = Settings.read()
    with records(settings) as engine:
        found = live_status(engine, _reports(settings))
    if as_json:
        print_json({"sources": found})
    elif not found:
        _say("No live source. Add a webcam: `moodline source add desk 0`.")
    else:
        Console().print(live_table(found))


@app.command("show", epilog="Example: [cyan]moodline source show door[/]")
def source_show(name: Name, as_json: JsonOption = False) -> None:
    """Show one source: its settings, what it does, and how long it was seen in the last day."""
    settings = Settings.read()
    with records(settings) as engine:
        shown = _shown(engine, find_source(engine, name), _reports(settings))
    if as_json:
        print_json(shown)
        return
    console = Console(soft_wrap=True)
    for word in ("name", "state", "reason", "uri", "host", "fps_limit", "max_side", "tags"):
        value = shown[word]
        text = ", ".join(value) if isinstance(value, list) else value
        console.print(Text(f"{word.replace('_', ' '):10} {'—' if text in (None, '') else text}"))
    seen, known = shown["uptime_s"].get("streaming", 0.0), sum(shown["uptime_s"].values())
    share = f", {seen / known:.1%} of the time it was watched over" if known else ""
    console.print(f"seen       {_span(seen)} in the last 24 hours{share}", highlight=False)
    for one in shown["intervals"]:
        line = f"  {one['since'][:19]}  {one['state']:12} {_span(one['seconds']):>9}  "
        console.print(Text(line + one["reason"]))


@app.command(
    "test",
    epilog="Examples: [cyan]moodline source test door[/] · "
    "[cyan]moodline source test rtsp://camera.local/live[/]",
)
def source_test(
    source: Annotated[str, typer.Argument(help="A source's name, or a URI.")],
    as_json: JsonOption = False,
) -> None:
    """Open a source for three seconds: resolution, codec, frame rate, faces seen."""
    from moodline.adapters.source_probe import probe

    settings = Settings.read()
    uri, max_side = source, _DEFAULT_SIDE
    with records(settings) as engine:
        try:
            known = find_source(engine, source)
        except SourceNotFoundError:
            if not _could_be_uri(source):
                raise
        else:
            uri = _sealer(settings).opened(known.uri, os.environ)
            max_side = known.max_side or settings.max_frame_side
    report, _picture = probe(settings, uri, max_side=max_side)
    if as_json:
        print_json(asdict(report))
        return
    claimed = f", says {report.rate:.4g}" if report.rate else ""
    _say(f"{report.source}: {report.width}x{report.height} {report.codec}, ")
    _say(f"  {report.fps:.1f} frames a second{claimed}; first after {report.first_picture_s:.2f} s")
    faces = f"up to {report.faces}" if report.faces else "no face"
    _say(f"  faces: {faces}; in {report.with_face} of {report.looked} pictures looked at")
    if report.corrupt:
        _say(f"  {report.corrupt} packets did not decode")


@app.command("pause", epilog="Example: [cyan]moodline source pause door[/]")
def source_pause(name: Name) -> None:
    """Stop reading a source, until it is resumed."""
    with records(Settings.read()) as engine:
        pause_source(engine, name, paused=True)
    _say(f"{name} is paused")


@app.command("resume", epilog="Example: [cyan]moodline source resume door[/]")
def source_resume(name: Name) -> None:
    """Read a paused source again."""
    with records(Settings.read()) as engine:
        pause_source(engine, name, paused=False)
    _say(f"{name} is read again")


@app.command("edit", epilog="Example: [cyan]moodline source edit door --fps 10 --tag front[/]")
def source_edit(  # noqa: PLR0913, PLR0917  (one parameter an option)
    name: Name,
    uri: Annotated[str | None, typer.Option(help=UriHelp)] = None,
    fps: FpsOption = None,
    max_side: SideOption = None,
    tag: TagOption = None,
    loop: Annotated[
        bool | None, typer.Option("--loop/--no-loop", help="Play a file without end.")
    ] = None,
    host: HostOption = None,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Take its tags away.")] = False,
) -> None:
    """Change a source. It is opened anew; the others are not touched."""
    from moodline.adapters.source_settings import described as settings_of

    settings = Settings.read()
    with records(settings) as engine:
        known = find_source(engine, name)
        told = settings_of(
            settings,
            _asked(uri) if uri else _sealer(settings).unsealed(known.uri),
            fps=fps or known.sampling_fps,
            max_side=max_side or known.max_side,
            tags=() if no_tags else known.tags if tag is None else tuple(tag),
            looped=known.looped if loop is None else loop,
            host=host or (None if uri else known.host or "any"),
        )
        save_source(engine, name, told)
    _say(f"{name}: {told.shown_uri}")


@app.command("remove", epilog="Example: [cyan]moodline source remove door[/]")
def source_remove(name: Name) -> None:
    """Stop reading a source, and forget where it is. What was read of it stays."""
    with records(Settings.read()) as engine:
        remove_source(engine, name)
    _say(f"{name} is removed; its records stay. `moodline runs list --source {name}` shows them")


def _asked(uri: str) -> str:
    """The URI, or what its owner types: neither the shell nor the process list then knows it."""
    if uri != "-":
        return uri
    if sys.stdin.isatty():
        return str(typer.prompt("URI", hide_input=True)).strip()
    return sys.stdin.readline().strip()


def _could_be_uri(text: str) -> bool:
    return text.isdecimal() or "/" in text


def _sealer(settings: Settings) -> Sealer:
    return Sealer(settings.secret_key, settings.home_path)


def _reports(settings: Settings) -> list[SourceReport]:
    url = running_broker(settings)
    if not url:
        return []
    try:
        bus = Bus.connect(url)
        try:
            return Presence(bus, SourceReport).living()
        finally:
            bus.close()
    except BrokerError as exc:
        Console(stderr=True).print(Text(redact(exc.line()), style="yellow"))
        return []


def _shown(engine: Engine, source: LiveSource, reports: list[SourceReport]) -> dict[str, Any]:
    (now,) = [one for one in live_status(engine, reports) if one["name"] == source.name]
    until = utc_now()
    spent = uptime(engine, source.name, until - _DAY, until)
    intervals = latest_intervals(engine, source.name, limit=_SHOWN_INTERVALS)
    return now | {
        "host": source.host or "any",
        "fps_limit": source.sampling_fps,
        "max_side": source.max_side,
        "looped": source.looped,
        "uptime_s": {str(state): round(seconds, 1) for state, seconds in spent.items()},
        "intervals": [
            {
                "state": str(one.state),
                "reason": one.reason,
                "since": one.since.isoformat(),
                "seconds": round((one.until - one.since).total_seconds(), 1),
            }
            for one in intervals
        ],
    }


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 3600} h {whole // 60 % 60} min" if whole >= 3600 else f"{whole // 60} min"


def _say(text: str) -> None:
    Console(soft_wrap=True).print(Text(text))
