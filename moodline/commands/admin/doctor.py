"""`moodline doctor`."""

import typer

from moodline.commands.options import command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline doctor[/]")
def doctor() -> None:
    """Check the installation: model, detector, decoder, database, broker and disk."""
    from rich.console import Console
    from rich.markup import escape

    from moodline.commands.admin.installation_checks import check_installation

    console = Console(soft_wrap=True, highlight=False)
    checks = check_installation(read_settings())
    for check in checks:
        mark = "[green]  ok[/]" if check.ok else "[red]FAIL[/]"
        console.print(f"{mark}  {check.name:9} {escape(check.text)}")
        if check.hint:
            console.print(f"                {escape(check.hint)}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)
