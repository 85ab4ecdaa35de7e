"""The verdict on the system as text: its level, and each reason with what mends it."""

from typing import Final

from rich.text import Text

from analytics.health.verdict import Level, Problem, Verdict
from moodline.terminal.output import format_time
from runtime.visible_text import visible

_STYLES: Final = {
    Level.HEALTHY: "bold green",
    Level.DEGRADED: "bold yellow",
    Level.DOWN: "bold red",
    Level.UNKNOWN: "bold red",
}
_HEALTHY: Final = "everything that should run does"


def verdict_text(verdict: Verdict) -> Text:
    """Return a line for the level, then two for each problem: what is wrong, and what mends it."""
    text = Text(str(verdict.level), style=_STYLES[verdict.level])
    if not verdict.problems:
        return text.append(f"  {_HEALTHY}", style="not bold default")
    for problem in verdict.problems:
        text.append("\n").append(_problem_text(problem))
    if verdict.unknown:
        text.append(f"\n  not known now: {', '.join(verdict.unknown)}", style="not bold default")
    return text


def _problem_text(problem: Problem) -> Text:
    text = Text("  ").append(visible(problem.text), style="not bold default")
    if problem.since is not None:
        text.append(f" Since {format_time(problem.since)} UTC.", style="not bold default")
    if problem.remedy.command:
        text.append(f"\n    {visible(problem.remedy.command)}", style="not bold cyan")
    return text
