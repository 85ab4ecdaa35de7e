"""The rules on live sources: which of them are not live, since when and why."""

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from analytics.health.facts import Facts, Stored
from analytics.health.verdict import Kind, Level, Problem, Remedy
from analytics.now.live_status import NOT_ANALYZED, UNKNOWN, UNSUPERVISED, LiveStatus
from contracts.live_sources import LiveState

_GRACE: Final = timedelta(seconds=15)
"""A source that reconnects within this time is not reported."""
_STARTING: Final = timedelta(seconds=60)
"""A source that was never live may take this long to connect."""
_FINE: Final = (LiveState.STREAMING, LiveState.PAUSED, UNKNOWN)
_KINDS: Final = {
    UNSUPERVISED: Kind.SOURCE_UNSUPERVISED,
    NOT_ANALYZED: Kind.SOURCE_UNANALYZED,
    LiveState.FAILED: Kind.SOURCE_FAILED,
}
_TEXTS: Final = {
    Kind.SOURCE_UNSUPERVISED: "is not read",
    Kind.SOURCE_UNANALYZED: "is not analysed",
    Kind.SOURCE_FAILED: "cannot be read",
    Kind.SOURCE_OFFLINE: "is offline",
}


def source_problems(facts: Facts) -> Iterator[Problem]:
    """Yield each live source that is not live; they are down if none of them is live."""
    stored, heartbeats = facts.stored, facts.heartbeats
    if stored is None or heartbeats is None:
        return
    found = [
        (one, kind)
        for one in stored.live
        if (kind := _kind(one, stored, facts.now))
        # The missing service is the problem, and is said once.
        and not (kind is Kind.SOURCE_UNANALYZED and not heartbeats.workers)
        and not (kind is Kind.SOURCE_UNSUPERVISED and not _has_ingest(facts))
    ]
    is_any_live = any(one.state == LiveState.STREAMING for one in stored.live)
    level = Level.DEGRADED if is_any_live else Level.DOWN
    for one, kind in found:
        text = f"{one.name} {_TEXTS[kind]}" + (f": {one.reason}." if one.reason else ".")
        since = _since(one, stored)
        page = f"sources/{quote(one.name, safe='')}"
        remedy = Remedy(f"moodline source test {shlex.quote(one.name)}", page, "Open the source")
        yield Problem(kind, level, one.name, text, since, remedy)


def _kind(one: LiveStatus, stored: Stored, now: datetime) -> Kind | None:
    """Return what is wrong with the source; None if nothing is, or it may be over in a moment."""
    if one.state in _FINE:
        return None
    if one.state in _KINDS:
        return _KINDS[one.state]
    since = stored.live_until.get(one.name)
    if since is None:
        begun = _time(one.since)
        is_new = one.state == LiveState.CONNECTING and begun and now - begun < _STARTING
        return None if is_new else Kind.SOURCE_OFFLINE
    return Kind.SOURCE_OFFLINE if now - since > _GRACE else None


def _since(one: LiveStatus, stored: Stored) -> datetime | None:
    """Return since when it is not live: when it last was; else as its supervisor reports."""
    if one.state == NOT_ANALYZED:
        return _time(one.since)
    return stored.live_until.get(one.name) or _time(one.since)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _has_ingest(facts: Facts) -> bool:
    services = facts.heartbeats.services if facts.heartbeats else ()
    return any(one.service == "ingest" for one in services)
