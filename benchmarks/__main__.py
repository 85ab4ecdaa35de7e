"""Run benchmarks, write their results, and check the targets.

python -m benchmarks [NAME...] [--clip PATH] [--data PHOTOGRAPHS.zip]
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import (
    detection_set,
    detectors,
    fer_library,
    fer_model,
    first_picture,
    history,
    live_cameras,
    record_rate,
)
from benchmarks.dashboard import benchmark as dashboard
from benchmarks.limit import benchmark as limit

BENCHMARKS = {
    "limit": limit.run,
    "fer-library": fer_library.run,
    "fer-model": fer_model.run,
    "detectors": detectors.run,
    "live-cameras": live_cameras.run,
    "first-picture": first_picture.run,
    "history": history.run,
    "record-rate": record_rate.run,
    "dashboard": dashboard.run,
}


def main() -> int:
    """Run the named benchmarks, or all. Return 0 if every target is met."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run benchmarks, write their results, and check the targets.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"by default all of: {', '.join(BENCHMARKS)}"
    )
    parser.add_argument(
        "--clip", type=Path, help="recording to measure on, instead of a rendered clip"
    )
    parser.add_argument(
        "--data", type=Path, help="zip of labelled photographs, on which `detectors` compares"
    )
    options = parser.parse_args()
    console = Console()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; choose from {', '.join(BENCHMARKS)}")
    verdicts = []
    for name in options.names or BENCHMARKS:
        console.rule(name)
        if name == "detectors" and options.data:
            verdicts += detection_set.run(console, options.data)
        else:
            verdicts += BENCHMARKS[name](console, options.clip)
    for verdict in verdicts:
        mark = "[green]yes[/]" if verdict.met else "[red] no[/]"
        console.print(f"  {mark}  {verdict.text}", highlight=False)
    return 0 if all(verdict.met for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
