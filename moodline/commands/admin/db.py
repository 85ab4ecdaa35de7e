"""`moodline db`: the database schema."""

from typing import Annotated

import typer

from contracts.errors import SettingsError
from moodline.commands.options import group_app
from moodline.commands.session import open_records, read_settings

app = group_app("Upgrade or downgrade the database schema.")


@app.command("upgrade", epilog="Example: [cyan]moodline db upgrade[/]")
def db_upgrade() -> None:
    """Upgrade the schema to this version. Other commands do this too."""
    from contracts.redaction import redact
    from moodline.terminal.output import print_line
    from records.schema import schema_revision

    with open_records(read_settings()) as engine:
        print_line(f"{redact(str(engine.url))}: schema {schema_revision(engine)}")


@app.command("downgrade", epilog="Example: [cyan]moodline db downgrade --to 0001 --yes[/]")
def db_downgrade(
    to: Annotated[str, typer.Option(help="Revision to go back to. `base` removes all tables.")],
    yes: Annotated[
        bool, typer.Option("--yes", help="Accept the loss of what the newer schema added.")
    ] = False,
) -> None:
    """Downgrade the schema for an older version. Data that the newer schema added is lost."""
    from contracts.redaction import redact
    from moodline.terminal.output import print_line
    from records.database import open_engine
    from records.schema import downgrade, schema_revision

    settings = read_settings()
    if not yes:
        raise SettingsError(
            "a downgrade deletes what the newer schema added",
            hint="Back up the database, then add --yes",
        )
    engine = open_engine(settings.effective_database_url)
    downgrade(engine, to)
    print_line(f"{redact(str(engine.url))}: schema {schema_revision(engine) or 'base'}")
    engine.dispose()
