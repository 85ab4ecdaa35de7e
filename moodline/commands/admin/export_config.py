"""`moodline export-config`: a file for `moodline apply`."""

from typing import Annotated

import typer

from moodline.commands.options import command_app
from moodline.commands.session import current_actor, open_records, read_settings

app = command_app()


@app.command(
    epilog="Examples: [cyan]moodline export-config > moodline.yaml[/] · "
    "[cyan]moodline export-config --out moodline.yaml[/]"
)
def export_config(
    out: Annotated[str, typer.Option(help="File to write. Default: standard output.")] = "",
) -> None:
    """Write sources, folders, retention and alerts as a file for `moodline apply`.

    Addresses that may hold secrets are not written: where they are left out, they stay as they are.
    """
    from pathlib import Path

    from contracts.errors import ExportError
    from moodline.as_code.exporting import export_text
    from moodline.as_code.site import Site
    from moodline.terminal.output import print_line

    settings = read_settings()
    with open_records(settings) as engine:
        text = export_text(Site(settings, engine, current_actor()))
    if not out:
        typer.echo(text, nl=False)
        return
    try:
        Path(out).write_text(text)
    except OSError as exc:
        raise ExportError(f"cannot write {out}: {exc.strerror}", hint="Check its folder") from exc
    print_line(f"Wrote {out}.")
