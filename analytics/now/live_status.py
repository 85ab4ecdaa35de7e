"""What the live sources do now: their records, joined with their supervisors' heartbeats."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Engine

from analytics.now.live_sources import LiveLine, live_lines
from broker.presence import SourceReport

UNWATCHED: Final = "dead"
_UNWATCHED_REASON: Final = "nobody watches over it. Start `moodline up`, or `moodline ingest`"


def live_status(engine: Engine, reports: Sequence[SourceReport]) -> list[dict[str, Any]]:
    """The documented fields of each live source. Raises DatabaseError.

    A source without a heartbeat reads as dead, whatever its records say.
    """
    told = {report.id: report for report in reports}
    return [_one(line, told) for line in live_lines(engine)]


def _one(line: LiveLine, told: Mapping[str, SourceReport]) -> dict[str, Any]:
    report = told.get(line.name)
    state: dict[str, Any] = {
        "state": UNWATCHED,
        "reason": _UNWATCHED_REASON,
        "since": None,
        "fps": 0.0,
        "last_frame_age_s": None,
        "watched_by": None,
    }
    if report is not None:
        state = {name: value for name, value in asdict(report).items() if name in state}
        state["watched_by"] = report.host
    return {
        "name": line.name,
        "kind": "live",
        **state,
        "uri": line.uri,
        "tags": list(line.tags),
        "run_id": line.run_id,
        "captured": line.captured,
        "analyzed": line.analyzed,
        "sampled_out": line.sampled_out,
        "dropped": dict(line.dropped),
    }
