"""The current state of live sources: their records joined with their supervisors' heartbeats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

from analytics.now.live_sources import LiveSourceCounts, live_source_counts
from contracts.runs import RunKind
from contracts.zones.zone import Zones

if TYPE_CHECKING:  # `moodline status` does not need redis if no broker runs.
    from broker.reports import SourceReport

UNSUPERVISED: Final = "dead"
UNKNOWN: Final = "unknown"
_UNKNOWN_REASON: Final = (
    "the broker cannot be read, so it is not known whether a process supervises this source"
)
_UNSUPERVISED_REASON: Final = (
    "no process supervises this source. Start `moodline up` or `moodline ingest`"
)


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """One live source: its state from the heartbeat, its frame counts from the records.

    Field names and order are those of `moodline source list --json`. watched_by: the supervisor's
    host, or None without a heartbeat: the state is then UNSUPERVISED, or UNKNOWN if heartbeats
    cannot be read.
    """

    name: str
    kind: str
    state: str
    reason: str
    since: str | None
    fps: float
    last_frame_age_s: float | None
    watched_by: str | None
    uri: str
    tags: tuple[str, ...]
    run_id: str | None
    captured: int
    analyzed: int
    sampled_out: int
    dropped: Mapping[str, int]
    zones: Zones = ()
    min_face_px: int | None = None
    rotate: int = 0
    mirror: bool = False


def live_status(
    connection: Connection, reports: "Sequence[SourceReport] | None"
) -> tuple[LiveStatus, ...]:
    """Return the live sources that were not removed, by name.

    reports: the live heartbeats; None if they cannot be read.
    """
    by_name = {report.id: report for report in reports or ()}
    missing = (UNSUPERVISED, _UNSUPERVISED_REASON)
    if reports is None:
        missing = (UNKNOWN, _UNKNOWN_REASON)
    return tuple(
        _status(one, by_name.get(one.name), missing) for one in live_source_counts(connection)
    )


def _status(
    counts: LiveSourceCounts, report: "SourceReport | None", missing: tuple[str, str]
) -> LiveStatus:
    """Return the status. missing: state and reason without a report."""
    return LiveStatus(
        name=counts.name,
        kind=str(RunKind.LIVE),
        state=missing[0] if report is None else report.state,
        reason=missing[1] if report is None else report.reason,
        since=None if report is None else report.since,
        fps=0.0 if report is None else report.fps,
        last_frame_age_s=None if report is None else report.last_frame_age_s,
        watched_by=None if report is None else report.host,
        uri=counts.uri,
        tags=counts.tags,
        run_id=counts.run_id,
        captured=counts.captured,
        analyzed=counts.analyzed,
        sampled_out=counts.sampled_out,
        dropped=counts.dropped,
        zones=counts.zones,
        min_face_px=counts.min_face_px,
        rotate=counts.rotate,
        mirror=counts.mirror,
    )
