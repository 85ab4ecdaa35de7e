"""Run benchmarks, write their results, and check the targets.

python -m benchmarks [NAME...] [--clip PATH] [--data PHOTOGRAPHS.zip] [--face PATH] [--empty PATH]
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import (
    detection_set,
    detectors,
    first_picture,
    history,
    live_cameras,
    most_cameras,
    record_rate,
    several_files,
)
from benchmarks.api import benchmark as api
from benchmarks.clips import Footage
from benchmarks.dashboard import benchmark as dashboard
from benchmarks.fer import library as fer_library
from benchmarks.fer import model as fer_model
from benchmarks.limit import benchmark as limit
from benchmarks.reaction import attacks, camera_faults, walks
from benchmarks.results import Verdict

LONGEST_MINUTES: Final = 30
"""The limit of all benchmarks together: they are to be run before a release, not once a year."""
OF_TABLE: Final = {"limit": limit.run, "fer-library": fer_library.run}
"""Those that measure the clips of the table, rendered or made from --face and --empty."""
BENCHMARKS: Final[Mapping[str, Callable[[Console, Path | None], list[Verdict]]]] = {
    **OF_TABLE,
    "several-files": several_files.run,
    "fer-model": fer_model.run,
    "detectors": detectors.run,
    "live-cameras": live_cameras.run,
    "most-cameras": most_cameras.run,
    "first-picture": first_picture.run,
    "history": history.run,
    "record-rate": record_rate.run,
    "dashboard": dashboard.run,
    "api": api.run,
    "attacks": attacks.run,
    "camera-faults": camera_faults.run,
    "walks": walks.run,
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
    parser.add_argument(
        "--face", type=Path, help="recording of a face, of which the table's clips are made"
    )
    parser.add_argument(
        "--empty", type=Path, help="recording without a face, of which the last clip is made"
    )
    options = parser.parse_args()
    console = Console()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; choose from {', '.join(BENCHMARKS)}")
    verdicts, minutes = [], {}
    for name in options.names or BENCHMARKS:
        console.rule(name)
        begin = time.monotonic()
        verdicts += _run(name, options, console)
        minutes[name] = (time.monotonic() - begin) / 60
    console.rule("results")
    console.print(", ".join(f"{name} {one:.1f} min" for name, one in minutes.items()))
    if not options.names:
        verdicts.append(_whole(sum(minutes.values())))
    for verdict in verdicts:
        mark = "[green]yes[/]" if verdict.met else "[red] no[/]"
        console.print(f"  {mark}  {verdict.text}", highlight=False)
    return 0 if all(verdict.met for verdict in verdicts) else 1


def _run(name: str, options: argparse.Namespace, console: Console) -> list[Verdict]:
    if name == "detectors" and options.data:
        return detection_set.run(console, options.data)
    if name in OF_TABLE:
        return OF_TABLE[name](console, options.clip, Footage(options.face, options.empty))
    return BENCHMARKS[name](console, options.clip)


def _whole(minutes: float) -> Verdict:
    text = f"all benchmarks take {minutes:.0f} minutes (target: at most {LONGEST_MINUTES})"
    return Verdict(text, minutes <= LONGEST_MINUTES)


if __name__ == "__main__":
    sys.exit(main())
