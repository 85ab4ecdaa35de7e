"""The verdict on the system as text: its level, and each reason with what mends it."""

from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
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


def verdict_text(verdict: Verdict) -> RenderableType:
    """Return a line for the level, then each problem: what is wrong, and what mends it."""
    head = Text(str(verdict.level), style=_STYLES[verdict.level])
    if not verdict.problems:
        return head.append(f"  {_HEALTHY}", style="not bold default")
    parts: list[RenderableType] = [head]
    for problem in verdict.problems:
        parts.append(Padding(_sentence(problem), (0, 0, 0, 2)))
        if problem.remedy.command:
            command = Text(visible(problem.remedy.command), style="cyan")
            parts.append(Padding(command, (0, 0, 0, 4)))
    if verdict.unknown:
        parts.append(Padding(Text(f"not known now: {', '.join(verdict.unknown)}"), (0, 0, 0, 2)))
    return Group(*parts)


def _sentence(problem: Problem) -> Text:
    since = f" Since {format_time(problem.since)} UTC." if problem.since is not None else ""
    return Text(visible(problem.text) + since)
