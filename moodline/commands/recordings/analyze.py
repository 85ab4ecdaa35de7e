"""`moodline analyze`."""

from pathlib import Path
from typing import Annotated

import typer

from moodline.commands.options import (
    FramesOption,
    JsonOption,
    MirrorOption,
    RotateOption,
    SamplingOption,
    WorkersOption,
    command_app,
)
from moodline.commands.session import current_actor, read_settings
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
    epilog="Examples: [cyan]moodline analyze interview.mp4[/] · "
    "[cyan]moodline analyze recordings/ --fps 5 --export faces.csv[/]"
)
def analyze(  # noqa: PLR0913, PLR0917  (one parameter per option)
    paths: Annotated[list[str], typer.Argument(help="Files, folders or patterns.")],
    fps: SamplingOption = None,
    workers: WorkersOption = None,
    recorded_at: Annotated[
        str | None,
        typer.Option(
            help="ISO 8601 time at which the recordings begin; in MOODLINE_TIMEZONE if it has no "
            "offset."
        ),
    ] = None,
    recorded_at_pattern: Annotated[
        str | None,
        typer.Option(
            help="Regular expression for file names, with groups year, month, day, and if known "
            "hour, minute, second, offset; in MOODLINE_TIMEZONE if it has no offset."
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="One source name for all recordings.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also analyse recordings that have a finished run.")
    ] = False,
    export: Annotated[
        Path | None, typer.Option(help="Also write the rows to this .csv, .parquet or .jsonl file.")
    ] = None,
    frames: FramesOption = False,
    annotate: Annotated[
        Path | None,
        typer.Option(help="Write a copy with boxes and labels drawn on it; for one recording."),
    ] = None,
    rotate: RotateOption = None,
    mirror: MirrorOption = None,
    mask: MaskOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    zones_file: ZonesFileOption = None,
    min_face: MinFaceOption = None,
    keep_static: KeepStaticOption = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Only queue the recordings, for `moodline ingest`.")
    ] = False,
    as_json: JsonOption = False,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="Do not show progress bars.")
    ] = False,
) -> None:
    """Analyse recordings: find, track and classify every face, and store the results."""
    from runtime.processes.garbage import collector_off
    from runtime.processes.warm_start import WarmStarts

    # Before this command imports what it needs itself, which takes as long.
    with WarmStarts(*(() if detach else ("inference_worker", "ingest.files.process"))) as warm:
        with collector_off():
            from moodline.analysis.analyze import AnalyzeRequest, analyze_paths
            from moodline.terminal.output import error_console
            from moodline.terminal.time_arguments import parse_optional_time

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
        request = AnalyzeRequest(
            fps=fps,
            workers=workers,
            recorded_at=parse_optional_time(recorded_at, "--recorded-at", settings.timezone),
            recorded_at_pattern=recorded_at_pattern,
            source=source,
            again=again,
            export=export,
            frames=frames,
            annotate=annotate,
            pictures=given.resolve(source or "this analysis"),
            detach=detach,
            as_json=as_json,
            progress=not (no_progress or as_json),
            actor=current_actor(),
        )
        try:
            outcome = analyze_paths(settings, paths, request, warm.start)
        except KeyboardInterrupt:
            error_console().print("Stopped. Run the same command again to continue.")
            raise typer.Exit(130) from None
        raise typer.Exit(outcome)
