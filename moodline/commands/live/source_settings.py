"""`moodline source add` and `moodline source edit`: the settings of a live source."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from contracts.errors import SourceError
from contracts.live_sources import DEFAULT_SIDE, Transport
from contracts.zones.zone import ZoneKind
from moodline.commands.live.uri_argument import NameArgument, typed_uri
from moodline.commands.options import MirrorOption, RotateOption
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.zone_options import (
    LARGEST_SMALLEST_FACE,
    MIN_FACE_HELP,
    ExcludeOption,
    IncludeOption,
    KeepStaticOption,
    MaskOption,
    MinFaceOption,
    ZoneOptions,
    ZonesFileOption,
)

if TYPE_CHECKING:
    from contracts.settings import Settings
    from records.sources.live_sources import SourceSettings

ADD_EXAMPLES: Final = (
    "Examples: [cyan]moodline source add desk 0[/] · "
    "[cyan]moodline source add door 'rtsp://me:${DOOR_PASSWORD}@camera.local/live' --fps 5[/]"
)
EDIT_EXAMPLES: Final = (
    "Examples: [cyan]moodline source edit door --fps 10 --tag front[/] · "
    "[cyan]moodline source edit door --mask 'window=0,0 0.3,0 0.3,0.5 0,0.5'[/]"
)

_DEFAULT_FPS: Final = 5.0
_URI_HELP: Final = (
    "A camera number, /dev/video0, rtsp://, http:// (MJPEG, HLS) or a file; - prompts for it. "
    "${NAME} is replaced from the environment of the host that opens the source."
)

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
TransportOption = Annotated[
    Transport | None,
    typer.Option(help="How an rtsp:// camera sends its video. Default: tcp, or as it was."),
]


def source_add(  # noqa: PLR0913, PLR0917  (one parameter per option)
    name: NameArgument,
    uri: Annotated[str, typer.Argument(help=_URI_HELP)],
    fps: FpsOption = _DEFAULT_FPS,
    max_side: SideOption = DEFAULT_SIDE,
    tag: TagOption = None,
    loop: Annotated[bool, typer.Option("--loop", help="Repeat a file forever.")] = False,
    host: HostOption = None,
    transport: TransportOption = None,
    rotate: RotateOption = None,
    mirror: MirrorOption = None,
    mask: MaskOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    zones_file: ZonesFileOption = None,
    min_face: MinFaceOption = None,
    keep_static: KeepStaticOption = None,
    test: Annotated[
        bool | None,
        typer.Option(
            "--test/--no-test",
            help="Open it first, and add it only if it delivers pictures. Default: on a terminal.",
        ),
    ] = None,
) -> None:
    """Add a live source. A running moodline starts to read it within two seconds."""
    from moodline.adapters.source_settings import source_settings
    from moodline.stack.running_stack import running_broker
    from moodline.terminal.output import print_line
    from records.sources.live_sources import add_source

    settings = read_settings()
    given = ZoneOptions(
        mask,
        include,
        exclude,
        zones_file,
        min_face,
        rotate=rotate,
        mirror=mirror,
        keep_static=keep_static,
    )
    given_uri = _over(typed_uri(uri), transport)
    source = source_settings(
        settings,
        given_uri,
        fps=fps,
        max_side=max_side,
        tags=tuple(tag or ()),
        looped=loop,
        host=host,
        pictures=given.resolve(name),
        keeps_zones=not given.names_zones,
    )
    if sys.stdout.isatty() if test is None else test:
        print_line(_tested(settings, given_uri, source))
    with open_records(settings) as engine:
        add_source(engine, name, source, actor=current_actor())
    print_line(f"Added {name}: {source.shown_uri}")
    if not running_broker(settings):
        print_line("It is not read yet. Start `moodline up`.")


def _over(uri: str, transport: Transport | None) -> str:
    """Return the URI with the transport, if one is given."""
    from ingest.live.uris import with_transport

    return uri if transport is None else with_transport(uri, transport)


def _tested(settings: "Settings", uri: str, source: "SourceSettings") -> str:
    """Return what the source delivers. Raises SourceError if it delivers no picture."""
    from moodline.adapters.probing.probe_failures import explained_failure
    from moodline.adapters.probing.probed_source import ProbedSource
    from moodline.adapters.probing.source_probe import probe
    from records.sources.sealing import Sealer

    side = source.max_side or DEFAULT_SIDE
    zones = source.zones or ()
    try:
        opened = Sealer(settings.secret_key, settings.home_path).resolve(uri, os.environ)
        probed = ProbedSource(opened, side, source.rotate, source.mirror, zones, source.min_face_px)
        found, _picture = probe(settings, probed)
    except SourceError as exc:
        cause = explained_failure(uri, exc)
        hint = f"{cause.hint}. To add it as it is: --no-test" if cause.hint else "Use --no-test"
        raise SourceError(str(cause), hint=hint, detail=cause.detail) from exc
    return f"It delivers {found.width}x{found.height} {found.codec}, {found.fps:.1f} frames/s."


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
    transport: TransportOption = None,
    no_tags: Annotated[bool, typer.Option("--no-tags", help="Remove all tags.")] = False,
    rotate: RotateOption = None,
    mirror: MirrorOption = None,
    mask: MaskOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    zones_file: ZonesFileOption = None,
    clear: Annotated[
        list[ZoneKind] | None,
        typer.Option(help="Remove all zones of this kind; can be repeated."),
    ] = None,
    min_face: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SMALLEST_FACE, help=MIN_FACE_HELP + " 0: the setting."),
    ] = None,
    keep_static: KeepStaticOption = None,
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
        given = ZoneOptions(
            mask,
            include,
            exclude,
            zones_file,
            min_face,
            clear or (),
            rotate,
            mirror,
            keep_static,
        )
        source = source_settings(
            settings,
            _over(typed_uri(uri) if uri else sealer.unseal(known.uri), transport),
            fps=fps or known.sampling_fps,
            max_side=max_side or known.max_side,
            tags=() if no_tags else tags,
            looped=known.looped if loop is None else loop,
            host=host or (None if uri else known.host or "any"),
            pictures=given.resolve(name, known.pictures),
            keeps_zones=not given.names_zones,
        )
        edit_source(engine, name, source, actor=current_actor())
    print_line(f"Changed {name}: {source.shown_uri}")
