"""How soon a fault of a camera is shown, its end is noticed, and a changed source is read.

The cameras and `moodline up` share this machine. The slow tests check that nothing is lost.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.results import Verdict, write_result
from benchmarks.rtsp_cameras import render_clip
from tests.e2e.commands import poll
from tests.e2e.fault_site import (
    FAULTS,
    Fault,
    Site,
    change_a_source,
    four_more,
    running_site,
    seconds_until,
)

_WITHIN_S: Final = 10.0
_EFFECTIVE_S: Final = 2.0


def run(console: Console, clip: Path | None) -> list[Verdict]:
    """Make each fault once, then change a source beside four others."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_site(clip or render_clip(folder), folder) as site:
            faults = {}
            for called, fault in FAULTS.items():
                faults[called] = _times(site, fault)
                console.print(called, faults[called], highlight=False)
            with four_more(site):
                changes = change_a_source(site)
            console.print(changes, highlight=False)
    shown_s = max(one["shown_s"] for one in faults.values())
    back_s = max(one["back_s"] for one in faults.values())
    effective_s = max(changes.values())
    verdicts = [
        Verdict(
            f"a fault is shown within {shown_s:.1f} s, and its end within {back_s:.1f} s "
            f"(target: under {_WITHIN_S:.0f} s)",
            max(shown_s, back_s) < _WITHIN_S,
        ),
        Verdict(
            f"changes of a source take effect within {effective_s:.2f} s "
            f"(target: under {_EFFECTIVE_S:.0f} s)",
            effective_s < _EFFECTIVE_S,
        ),
    ]
    measured = {"load": os.getloadavg()[0], "faults": faults, "changes_s": changes}
    write_result("camera-faults", measured, verdicts)
    return verdicts


def _times(site: Site, fault: Fault) -> dict[str, float]:
    with fault.make(site):
        shown_s = seconds_until(lambda: fault.is_shown(site))
    back_s = seconds_until(lambda: site.status()["state"] == "streaming")
    poll(lambda: site.stack.makes_progress("door", "hall"))
    return {"shown_s": round(shown_s, 1), "back_s": round(back_s, 1)}
