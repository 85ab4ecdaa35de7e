"""`python -m benchmarks.paint REVISION`: how fast Trends paints here, and at another revision.

Two servers over the same year of ten cameras; a browser opens Trends in turns, nothing cached. The
other revision runs with the packages of this environment: one that needs others cannot be asked.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.dashboard import PAINTS, browser_of_the_host, first_paint, served, year_in
from benchmarks.results import write_result
from broker.embedded import EmbeddedBroker

_HERE = Path(__file__).parent.parent


def main(revision: str) -> None:
    """Prints both medians and their ratio, and keeps every reading."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        url = year_in(folder, console)
        there = Path(folder) / "there"
        subprocess.run(
            ["git", "worktree", "add", "--detach", "--quiet", str(there), revision],
            cwd=_HERE,
            check=True,
        )
        try:
            here_s, there_s = _by_turns(url, broker.url, folder, there)
        finally:
            remove = ["git", "worktree", "remove", "--force", str(there)]
            subprocess.run(remove, check=True, cwd=_HERE)
    here, before = statistics.median(here_s), statistics.median(there_s)
    console.print(
        f"here {here:.2f} s, {revision} {before:.2f} s: {before / here:.2f} times as fast"
    )
    measured = {"revision": revision, "here_s": here_s, "there_s": there_s}
    write_result("paint", measured | {"ratio": before / here}, [])


def _by_turns(url: str, broker: str, home: str, there: Path) -> tuple[list[float], list[float]]:
    """Seconds of each paint, here and there. Of each the first fills what the others find."""
    with (
        served(url, broker, home, _HERE) as (here, _),
        served(url, broker, home, there) as (other, _),
        browser_of_the_host() as browser,
    ):
        pairs = [
            (first_paint(browser, here), first_paint(browser, other)) for _ in range(1 + PAINTS)
        ][1:]
    return [one for one, _ in pairs], [one for _, one in pairs]


if __name__ == "__main__":
    main(*sys.argv[1:])
