"""`moodline export`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from moodline.commands.options import (
    FramesOption,
    FromOption,
    OutOption,
    SourcesOption,
    ToOption,
    ZoneOption,
    command_app,
)
from moodline.commands.session import current_actor, open_records, read_settings
from moodline.commands.stored_names import complete_run

if TYPE_CHECKING:
    from analytics.export.record_pages import Selection

app = command_app()


@app.command(
    epilog="Examples: [cyan]moodline export --out all.parquet[/] · "
    "[cyan]moodline export --source door --from 2026-11-01 --to 2026-12-01 --out november.csv[/]"
)
def export(  # noqa: PLR0913, PLR0917  (one parameter per option)
    out: OutOption,
    run: Annotated[
        list[str] | None,
        typer.Option(autocompletion=complete_run, help="Only this run; can be repeated."),
    ] = None,
    source: SourcesOption = None,
    since: FromOption = None,
    until: ToOption = None,
    zone: ZoneOption = None,
    frames: FramesOption = False,
    excel: Annotated[
        bool,
        typer.Option(
            "--excel", help="CSV for Excel: in its encoding, with the decimal mark of your locale."
        ),
    ] = False,
) -> None:
    """Write results to a file: one row per face per frame."""
    from analytics.audit import audit_export
    from analytics.export.csv_rows import PLAIN, excel_style
    from analytics.export.exporter import export_records
    from analytics.export.record_pages import Selection
    from analytics.history.local_time import zone_named
    from contracts.errors import ExportError
    from moodline.analysis.run_spec import card_in_use
    from moodline.terminal.output import print_line
    from moodline.terminal.time_arguments import parse_optional_time, range_line
    from runtime.files.free_space import FreeSpace

    if excel and out.suffix != ".csv":
        raise ExportError("--excel writes CSV", hint="Give --out a name that ends in .csv")
    style = excel_style() if excel else PLAIN
    settings = read_settings()
    clock = zone_named(zone) if zone else settings.timezone
    begin = parse_optional_time(since, "--from", clock)
    end = parse_optional_time(until, "--to", clock)
    selection = Selection(tuple(run or ()), tuple(source or ()), begin, end, frames)
    with open_records(settings) as engine:
        space = FreeSpace(settings.min_free_bytes)
        rows = export_records(engine, selection, out, space, style, card_in_use(settings))
        audit_export(engine, current_actor(), file=str(out), rows=rows, **_scope(selection))
    if asked := range_line(begin, end, clock):
        print_line(asked)
    marks = {",": ", with decimal commas and semicolons", ".": ", with decimal points and commas"}
    print_line(f"Wrote {rows:,} rows to {out}{marks[style.decimal] if excel else ''}.")


def _scope(selection: "Selection") -> dict[str, str]:
    """Return the conditions that were given, for the audit."""
    return {name: str(value) for name, value in asdict(selection).items() if value}
