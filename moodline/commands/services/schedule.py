"""`moodline schedule`: the scheduler's jobs, and the folders that it watches."""

from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from contracts.errors import SettingsError
from moodline.commands.options import (
    JsonOption,
    MirrorOption,
    RotateOption,
    SamplingOption,
    group_app,
)
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.zone_options import (
    ExcludeOption,
    IncludeOption,
    KeepStaticOption,
    MaskOption,
    MinFaceOption,
    ZoneOptions,
    ZonesFileOption,
)

app = group_app("List the scheduler's jobs; add and remove watched folders.")

_SHORTEST_INTERVAL_S: Final = 10


@app.command("list", epilog="Example: [cyan]moodline schedule list[/]")
def schedule_list(as_json: JsonOption = False) -> None:
    """List the scheduler's jobs, their next times and their last results."""
    from rich.text import Text

    from moodline.services.scheduled_jobs import job_statuses
    from moodline.terminal.output import Screen, format_time, new_table, print_json

    settings = read_settings()
    with open_records(settings) as engine:
        jobs = job_statuses(settings, engine)
    if as_json:
        print_json({"jobs": jobs})
        return
    table = new_table("job", "when", "next (UTC)", "last (UTC)", "result")
    for job in jobs:
        table.add_row(
            Text(job.job),
            Text(job.when),
            format_time(job.next),
            format_time(job.last),
            Text(job.error, style="red") if job.error else Text(job.result),
        )
    Screen().print(table)


@app.command(
    "add-folder",
    epilog="Examples: [cyan]moodline schedule add-folder /recordings --every 10m[/] · "
    "[cyan]moodline schedule add-folder /recordings --cron '0 20 * * mon-fri' --fps 5[/]",
)
def schedule_add_folder(  # noqa: PLR0913, PLR0917  (one parameter per option)
    path: Annotated[
        Path, typer.Argument(help="Folder with recordings; its subfolders are watched too.")
    ],
    every: Annotated[
        str | None, typer.Option(help="Interval at which to check it, such as 10m, 6h or 1d.")
    ] = None,
    cron: Annotated[
        str | None, typer.Option(help="Times at which to check it: a cron expression, five fields.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the job. Default: the folder's name.")
    ] = None,
    fps: SamplingOption = None,
    source: Annotated[str | None, typer.Option(help="One source name for all recordings.")] = None,
    mask: MaskOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    zones_file: ZonesFileOption = None,
    min_face: MinFaceOption = None,
    rotate: RotateOption = None,
    mirror: MirrorOption = None,
    keep_static: KeepStaticOption = None,
) -> None:
    """Watch a folder: queue each new recording once it stops growing."""
    from moodline.terminal.output import print_line
    from records.watched_folders import add_folder

    settings = read_settings()
    every_s = _interval_s(every, cron, settings.timezone)
    if not path.is_dir():
        raise SettingsError(f"{path} is not a folder", hint="Create it, or mount it")
    stored = settings.shared_folders.stored(path)
    job_name = name or path.absolute().name
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
    pictures = given.resolve(job_name)
    with open_records(settings) as engine:
        add_folder(
            engine,
            job_name,
            stored,
            every_s=every_s,
            cron=cron,
            sampling_fps=fps,
            source=source,
            pictures=pictures,
            actor=current_actor(),
        )
    print_line(f"{job_name} is checked while `moodline up` or `moodline scheduler` runs.")


@app.command("remove", epilog="Example: [cyan]moodline schedule remove recordings[/]")
def schedule_remove(
    name: Annotated[str, typer.Argument(help="Name of the job, from `moodline schedule list`.")],
) -> None:
    """Stop watching a folder. Recordings that are already queued stay queued."""
    from moodline.terminal.output import print_line
    from records.watched_folders import remove_folder

    with open_records(read_settings()) as engine:
        remove_folder(engine, name.removeprefix("folder "), actor=current_actor())
    print_line(f"{name} is no longer watched.")


def _interval_s(every: str | None, cron: str | None, timezone: ZoneInfo) -> int | None:
    """Return the interval of --every in seconds, None with --cron, which is checked here.

    Raises SettingsError.
    """
    from analytics.scheduling.times import cron as check_cron
    from moodline.terminal.time_arguments import parse_duration

    if (every is None) == (cron is None):
        raise SettingsError("give either --every or --cron", hint="For example --every 10m")
    if every is None:
        check_cron(cron or "", timezone)
        return None
    every_s = round(parse_duration(every, "--every").total_seconds())
    if every_s < _SHORTEST_INTERVAL_S:
        raise SettingsError(
            f"--every {every} is too short", hint=f"Use {_SHORTEST_INTERVAL_S}s or more"
        )
    return every_s
