"""How long an honest user's page takes while one attacker does the worst that is let in.

The attackers share this machine with the dashboard, so that it is slower than behind a network.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.results import Verdict, write_result
from tests.attacks.heavy_load import (
    HEAVY_PATHS,
    Attack,
    ask_for,
    beside,
    dashboard_with_history,
    hold_events,
    send_headers,
    trickle,
)

_LATEST_S: Final = 1.0
_ATTACKS: Final[dict[str, tuple[Attack, int]]] = {
    "300 MB of headers": (send_headers, 8),
    "1,500 trickling connections": (trickle, 15),
    "200 event streams of one user": (hold_events, 200),
} | {f"45 clients asking for {path}": (ask_for(path), 45) for path in HEAVY_PATHS}


def run(console: Console, _clip: Path | None) -> list[Verdict]:
    """Attack in turn; measure an honest user's page, 95th percentile of twenty."""
    measured, verdicts = {}, []
    with (
        tempfile.TemporaryDirectory() as folder,
        dashboard_with_history(Path(folder) / "home") as dashboard,
    ):
        for name, (attack, many) in _ATTACKS.items():
            found = beside(dashboard, attack, many)
            measured[name] = {
                "calm_p95_s": round(found.calm_s, 3),
                "page_p95_s": round(found.page_s, 3),
                "growth_mb": round(found.growth_bytes / 1e6, 1),
                "statuses": dict(found.load.statuses),
            }
            console.print(name, measured[name], highlight=False)
            verdicts.append(
                Verdict(
                    f"{name}: another user's page takes {found.page_s:.2f} s "
                    f"(p95; {found.calm_s:.2f} s before; target: under {_LATEST_S:.0f} s)",
                    found.page_s < _LATEST_S,
                )
            )
    write_result("attacks", {"load": os.getloadavg()[0], "attacks": measured}, verdicts)
    return verdicts
