"""`python -m benchmarks [NAME...] [--clip PATH]`: measure, keep the result, hold the targets."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import (
    dashboard,
    detectors,
    fer_library,
    fer_model,
    history,
    live_cameras,
    record_rate,
)

BENCHMARKS = {
    "fer-library": fer_library.run,
    "fer-model": fer_model.run,
    "detectors": detectors.run,
    "live-cameras": live_cameras.run,
    "history": history.run,
    "record-rate": record_rate.run,
    "dashboard": dashboard.run,
}


def main() -> int:
    """0 when every target holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--clip", type=Path, help="a recording of your own to measure on")
    given = parser.parse_args()
    console = Console()
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    verdicts = []
    for name in given.names or BENCHMARKS:
        console.rule(name)
        verdicts += BENCHMARKS[name](console, given.clip)
    for verdict in verdicts:
        mark = "[green]yes[/]" if verdict.holds else "[red] no[/]"
        console.print(f"  {mark}  {verdict.text}", highlight=False)
    return 0 if all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
