"""The current state of live sources: their records joined with their supervisors' heartbeats.

A source whose frames nobody analyses is not live, whatever its supervisor reports: the workers'
heartbeats say which runs are analysed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection

from analytics.now.live_sources import LiveSourceCounts, live_source_counts
from contracts.live_sources import UNANALYZED, LiveState
from contracts.runs import RunKind
from contracts.times import EPOCH, utc_now
from contracts.zones.zone import Zones

if TYPE_CHECKING:  # `moodline status` does not need redis if no broker runs.
    from broker.heartbeats import Heartbeats
    from broker.reports import SourceReport

UNSUPERVISED: Final = "dead"
UNKNOWN: Final = "unknown"
_INGEST: Final = "ingest"
NOT_ANALYZED: Final = "unanalyzed"
"""Frames arrive, and no worker analyses them."""
_TAKE_OVER: Final = timedelta(seconds=5)
"""A run that begins or that changes its worker is held by none for a moment."""
_TAKING_UP: Final = timedelta(seconds=15)
"""A source that was added is taken up by then, also on a busy machine."""
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
    cannot be read. last_commit_at: when frames of the run were last committed, before the first
    commit its start.
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
    keep_static: bool | None = None
    last_commit_at: datetime | None = None


def live_status(
    connection: Connection, heartbeats: "Heartbeats | None", *, name: str | None = None
) -> tuple[LiveStatus, ...]:
    """Return the live sources that were not removed, by name; with `name`, that one alone.

    heartbeats: None if they cannot be read.
    """
    by_name = {one.id: one for one in heartbeats.sources} if heartbeats else {}
    held = heartbeats.held_runs if heartbeats else frozenset[str]()
    return tuple(
        _status(one, by_name.get(one.name), _unreported(one, heartbeats), held)
        for one in live_source_counts(connection, name=name)
    )


def _unreported(counts: LiveSourceCounts, heartbeats: "Heartbeats | None") -> "Observed":
    """Return the state of a source that has no heartbeat."""
    if heartbeats is None:
        return Observed(UNKNOWN, _UNKNOWN_REASON, None)
    hosts = sorted({one.host for one in heartbeats.services if one.service == _INGEST})
    if not hosts:
        return Observed(UNSUPERVISED, _UNSUPERVISED_REASON, None)
    if counts.host is not None and counts.host not in hosts:
        reason = f"only host {counts.host} reads it. Start `moodline ingest` there"
        return Observed(UNSUPERVISED, reason, None)
    if counts.added_at is not None and utc_now() - counts.added_at < _TAKING_UP:
        return Observed(LiveState.CONNECTING, "", counts.added_at.isoformat())
    where = counts.host or hosts[0]
    reason = f"the ingest process on {where} runs, but has not taken it up yet. Its log says why"
    return Observed(UNSUPERVISED, reason, None)


@dataclass(frozen=True, slots=True)
class Observed:
    """The state of a source, why, and since when (ISO 8601, UTC; None if that is not known)."""

    state: str
    reason: str
    since: str | None


def observed_state(
    report: "SourceReport", held: Collection[str], last_commit_at: datetime | None
) -> Observed:
    """Return the state that the supervisor reports, unless the frames are not analysed.

    held: the runs that living workers hold.
    """
    if report.state == LiveState.STALLED and report.reason == UNANALYZED:
        return Observed(NOT_ANALYZED, UNANALYZED, report.since)
    reported = Observed(report.state, report.reason, report.since)
    if report.state != LiveState.STREAMING or not report.run_id or report.run_id in held:
        return reported
    analyzed_until = max(last_commit_at or EPOCH, datetime.fromisoformat(report.since))
    if utc_now() - analyzed_until < _TAKE_OVER:
        return reported
    return Observed(NOT_ANALYZED, UNANALYZED, analyzed_until.isoformat())


def _status(
    counts: LiveSourceCounts,
    report: "SourceReport | None",
    missing: Observed,
    held: Collection[str],
) -> LiveStatus:
    """Return the status. missing: the state without a report."""
    seen = missing
    if counts.paused:
        seen = Observed(LiveState.PAUSED, "paused", None)
    if report is not None:
        seen = observed_state(report, held, counts.last_commit_at)
    return LiveStatus(
        name=counts.name,
        kind=str(RunKind.LIVE),
        state=seen.state,
        reason=seen.reason,
        since=seen.since,
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
        keep_static=counts.keep_static,
        last_commit_at=counts.last_commit_at,
    )
