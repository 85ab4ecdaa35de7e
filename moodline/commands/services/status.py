"""`moodline status`."""

import time
from typing import Annotated, Final

import typer

from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

app = command_app()

_EVERY_S: Final = 1.0


@app.command(epilog="Examples: [cyan]moodline status[/] · [cyan]moodline status --watch[/]")
def status(
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh every second, until Ctrl-C.")
    ] = False,
    forget: Annotated[
        bool,
        typer.Option("--forget-gone", help="Miss the services no longer that are gone for good."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show how well all works, and the state of sources, runs, services and servers.

    The exit status is 0 if all is healthy, 1 if it is degraded, and 2 if it is down or unknown.
    """
    from analytics.health.verdict import Level
    from contracts.errors import DatabaseError
    from moodline.adapters.system_status import read_status
    from moodline.commands.services.status_report import status_report
    from moodline.terminal.output import Screen, print_error, print_json
    from records.database import open_engine
    from records.seen_services import forget_gone

    settings = read_settings(logs=False)
    try:
        engine = open_engine(settings.effective_database_url)
    except DatabaseError as exc:
        print_error(exc.line())
        raise typer.Exit(Level.UNKNOWN.exit_status) from exc
    console = Screen()
    try:
        if forget:
            gone = read_status(settings, engine).gone
            forget_gone(engine, [one.process.id for one in gone])
        if not watch:
            found = read_status(settings, engine)
            if as_json:
                print_json(found.as_json())
            else:
                console.print(status_report(found))
            raise typer.Exit(found.health.level.exit_status)
        if as_json:
            while True:
                print_json(read_status(settings, engine).as_json(), indent=None)
                time.sleep(_EVERY_S)
        from rich.live import Live

        with Live(console=console, auto_refresh=False, transient=True) as live:
            while True:
                live.update(status_report(read_status(settings, engine)), refresh=True)
                time.sleep(_EVERY_S)
    except KeyboardInterrupt:
        return
    finally:
        engine.dispose()
