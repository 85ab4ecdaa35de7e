"""Time to the first chart of Trends, compared with another revision.

python -m benchmarks.paint REVISION

Each revision writes the same year of ten cameras, in its own schema, and serves it; a browser opens
Trends on each in turns, with an empty cache. The other one runs with this environment's packages.
"""

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.dashboard.server import chromium, create_year_database, dashboard_server
from benchmarks.dashboard.trends import PAINTS, first_paint
from benchmarks.results import write_result
from broker.embedded import EmbeddedBroker

_HERE = Path(__file__).parent.parent
_CREATE_DATABASE = """
import sys
from rich.console import Console
from benchmarks.dashboard.server import create_year_database
print(create_year_database(sys.argv[1], Console(stderr=True)))
"""


def main(revision: str) -> None:
    """Print both medians and their ratio, and write every measurement."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        url = create_year_database(folder, console)
        other = Path(folder) / "other"
        subprocess.run(
            ["git", "worktree", "add", "--detach", "--quiet", str(other), revision],
            cwd=_HERE,
            check=True,
        )
        try:
            here_s, there_s = _measure_in_turns(url, broker.url, folder, other)
        finally:
            remove = ["git", "worktree", "remove", "--force", str(other)]
            subprocess.run(remove, check=True, cwd=_HERE)
    here, before = statistics.median(here_s), statistics.median(there_s)
    console.print(
        f"here {here:.2f} s, {revision} {before:.2f} s: {before / here:.2f} times as fast"
    )
    measured = {"revision": revision, "here_s": here_s, "there_s": there_s}
    write_result("paint", measured | {"ratio": before / here}, [])


def _measure_in_turns(
    url: str, broker: str, home: str, other_code: Path
) -> tuple[list[float], list[float]]:
    """Return the seconds of each paint, here and there; the first of each fills the caches."""
    other_home = Path(home) / "home of the other"
    other_home.mkdir()
    create = [sys.executable, "-c", _CREATE_DATABASE, str(other_home)]
    done = subprocess.run(create, cwd=other_code, check=True, stdout=subprocess.PIPE, text=True)
    other_url = done.stdout.splitlines()[-1]
    with (
        # Each database has a key of its own, which signs what is in the broker.
        EmbeddedBroker() as other_broker,
        dashboard_server(url, broker, home, _HERE) as (here, _),
        dashboard_server(other_url, other_broker.url, str(other_home), other_code) as (other, _),
        chromium() as browser,
    ):
        pairs = [
            (first_paint(browser, here), first_paint(browser, other)) for _ in range(1 + PAINTS)
        ][1:]
    return [one for one, _ in pairs], [one for _, one in pairs]


if __name__ == "__main__":
    main(*sys.argv[1:])
