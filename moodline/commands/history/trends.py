"""`moodline trends`."""

from typing import Annotated

import typer

from moodline.commands.options import (
    FromOption,
    JsonOption,
    SourcesOption,
    ToOption,
    ZoneOption,
    command_app,
)
from moodline.commands.session import open_records, read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline trends --last today --compare previous[/]")
def trends(  # noqa: PLR0913, PLR0917  (one parameter per option)
    source: SourcesOption = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", help="Only sources with this tag; can be repeated."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="Show the sources with this tag as one; can be repeated."),
    ] = None,
    last: Annotated[
        str,
        typer.Option(
            help="Length of the range, such as 30m, 24h, 7d or 4w; or today, yesterday or week."
        ),
    ] = "24h",
    since: FromOption = None,
    until: ToOption = None,
    compare: Annotated[
        str | None,
        typer.Option(
            help="Say whether it was happier than before, and how certain that is: than the "
            "previous time, the same weekday, or any range as BEGIN/END."
        ),
    ] = None,
    zone: ZoneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how expressions changed over time, with the coverage of each source."""
    from analytics.history.local_time import zone_named
    from analytics.history.rollups import roll_up_all
    from contracts.times import utc_now
    from moodline.commands.history.trends_range import read_comparison, read_range
    from moodline.commands.history.trends_report import TrendsRequest, print_trends

    settings = read_settings()
    viewer_zone = zone_named(zone) if zone else settings.timezone
    asked = read_range(since, until, last, viewer_zone, utc_now())
    earlier = read_comparison(compare, asked, viewer_zone) if compare else None
    request = TrendsRequest(
        asked.since, asked.until, viewer_zone, source or [], tag or [], group or [], earlier
    )
    with open_records(settings) as engine:
        roll_up_all(engine)  # Without a scheduler, the newest rows are not in the rollups yet.
        print_trends(engine, request, as_json=as_json)
