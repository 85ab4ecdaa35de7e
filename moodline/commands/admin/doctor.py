"""`moodline doctor`."""

import typer

from moodline.commands.options import command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Example: [cyan]moodline doctor[/]")
def doctor() -> None:
    """Check the installation: model, detector, decoder, database, broker and disk."""
    from rich.markup import escape

    from moodline.commands.admin.installation_checks import check_installation
    from moodline.terminal.output import Screen
    from runtime.visible_text import visible

    console = Screen(soft_wrap=True, highlight=False)
    checks = check_installation(read_settings())
    for check in checks:
        mark = "[green]  ok[/]" if check.ok else "[red]FAIL[/]"
        console.print(f"{mark}  {check.name:9} {escape(visible(check.text))}")
        if check.hint:
            console.print(f"                {escape(check.hint)}")
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)
