"""Results of a benchmark: a dated file with the machine, the versions and every measurement."""

import json
import os
import platform
import subprocess
import timeit
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
_LIBRARIES = ("av", "opencv-python-headless", "ai-edge-litert", "redis", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The measurement of one target, as a sentence, and whether the target is met."""

    text: str
    met: bool


MOST_LOST = 0.1
"""A ratio that falls by a larger fraction of the last kept one fails the benchmark."""


def kept_result(name: str) -> dict[str, Any] | None:
    """Return the newest kept result of a benchmark, as `write_result` wrote it."""
    kept = sorted(RESULTS.glob(f"????-??-??-{name}.json"))
    return json.loads(kept[-1].read_text(encoding="utf-8")) if kept else None


def not_lost(what: str, ratio: float, before: float, kept_at: str) -> Verdict:
    """Compare a ratio that should be high with that of a kept result."""
    return Verdict(
        f"{what}: {ratio:.2f}, and {before:.2f} on {kept_at[:10]} "
        f"(target: at least {1 - MOST_LOST:.0%} of it)",
        ratio >= (1 - MOST_LOST) * before,
    )


def write_result(name: str, measured: dict[str, Any], verdicts: list[Verdict]) -> Path:
    """Write results/<date>-<name>.json; a later run on the same day replaces it."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{name}.json"
    document = {
        "benchmark": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.system(),
            "additions_s": round(_additions_s(), 3),
        },
        "versions": {library: version(library) for library in _LIBRARIES},
        "measured": measured,
        "verdicts": [{"text": one.text, "holds": one.met} for one in verdicts],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def _additions_s() -> float:
    """Return the time of five million additions, to compare the speed of shared hosts."""
    return min(timeit.repeat("total += 1", "total = 0", number=5_000_000, repeat=3))


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
        cwd=RESULTS.parent,
    )
    return done.stdout.strip() or "unknown"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
