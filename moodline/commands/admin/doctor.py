"""`moodline doctor`."""

import typer

from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

app = command_app()


@app.command(epilog="Examples: [cyan]moodline doctor[/] · [cyan]moodline doctor --json[/]")
def doctor(as_json: JsonOption = False) -> None:
    """Check the installation, and whether all that should run does.

    The exit status is 0 if all is healthy, 1 if it is degraded, and 2 if it is down or unknown.
    """
    from rich.markup import escape

    from moodline.commands.admin.installation_checks import check_installation
    from moodline.commands.admin.system_check import overall_level, system_verdict
    from moodline.terminal.output import Screen, print_json
    from moodline.terminal.verdict_text import verdict_text
    from runtime.visible_text import visible

    settings = read_settings()
    checks = check_installation(settings)
    verdict = system_verdict(settings, checks)
    level = overall_level(checks, verdict)
    if as_json:
        print_json({"level": level, "checks": checks, "health": verdict and verdict.as_json()})
        raise typer.Exit(level.exit_status)
    console = Screen(soft_wrap=True, highlight=False)
    for check in checks:
        console.print(f"{check.mark}  {check.name:9} {escape(visible(check.text))}")
        if check.hint:
            console.print(f"                {escape(check.hint)}")
    if verdict is not None:
        console.print()
        Screen(highlight=False).print(verdict_text(verdict))
    raise typer.Exit(level.exit_status)
