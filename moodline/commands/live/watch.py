"""`moodline watch`."""

from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import SettingsError
from moodline.commands.live.uri_argument import typed_uri
from moodline.commands.options import JsonOption, MirrorOption, RotateOption, command_app
from moodline.commands.session import open_records, read_settings
from moodline.commands.stored_names import complete_live_source
from moodline.commands.zone_options import (
    ExcludeOption,
    IncludeOption,
    KeepStaticOption,
    MaskOption,
    MinFaceOption,
    ZoneOptions,
    ZonesFileOption,
)

app = command_app()


@app.command(
    epilog="Examples: [cyan]moodline watch 0[/] · [cyan]moodline watch door[/] · "
    "[cyan]moodline watch rtsp://camera.local/live --fps 5[/]",
)
def watch(  # noqa: PLR0913, PLR0917  (one parameter per option)
    source: Annotated[
        str,
        typer.Argument(
            autocompletion=complete_live_source,
            help="Name of a source, camera number, rtsp://, http:// or a file; - prompts for it.",
        ),
    ],
    fps: Annotated[
        float | None,
        typer.Option(min=0.1, max=240, help="Frames to analyse per second, at most."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Stop after this time. Default: at Ctrl-C.")
    ] = None,
    rotate: RotateOption = None,
    mirror: MirrorOption = None,
    mask: MaskOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    zones_file: ZonesFileOption = None,
    min_face: MinFaceOption = None,
    keep_static: KeepStaticOption = None,
    as_json: JsonOption = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the summary to this file, as JSON.")
    ] = None,
) -> None:
    """Watch a live source in the terminal. A source that was not added is not stored."""
    from moodline.terminal.output import Screen
    from moodline.watch.registered import watch_source
    from moodline.watch.summary import WatchOptions
    from moodline.watch.unregistered import watch as watch_uri
    from records.sources.live_sources import find_source

    settings = read_settings()
    source = typed_uri(source)
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
    options = WatchOptions(fps, seconds, as_json, out, given.resolve(source))
    if source.isdecimal() or "/" in source or Path(source).exists():
        seen = watch_uri(settings, source, options, Screen())
    else:
        with open_records(settings) as engine:
            find_source(engine, source)
            if given != ZoneOptions():
                raise SettingsError(
                    f"{source} has zones and a rotation of its own",
                    hint=f"Change them: moodline source edit {source}",
                )
            seen = watch_source(settings, engine, source, options, Screen())
    raise typer.Exit(0 if seen else 1)
