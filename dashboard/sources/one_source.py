"""The route of the page of one source."""

from dataclasses import asdict
from datetime import tzinfo
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from analytics.alerts.documents import event_document
from analytics.history.local_time import zone_named
from analytics.history.totals import Total
from analytics.runs.run_list import RunLine
from analytics.snapshots import in_snapshot
from analytics.sources.answer import SourceAnswer, source_answer
from contracts.times import utc_now
from dashboard.trends.texts.verdict_text import basis_text, verdict_text
from dashboard.web.json_values import json_values
from dashboard.web.time_steps import time_steps
from serving.backend import Backend
from serving.heartbeats import read_current_heartbeats

_MAX_NAME: Final = 512
Name = Annotated[str, Query(min_length=1, max_length=_MAX_NAME)]
Zone = Annotated[str, Query(max_length=64)]


def source_routes(backend: Backend) -> APIRouter:
    """Return GET one: the source `name`, on the clock of the time zone `zone`.

    Without a zone, it is MOODLINE_TIMEZONE.
    """
    router = APIRouter()

    @router.get("/one")
    def one(name: Name, zone: Zone = "") -> dict[str, Any]:
        clock = zone_named(zone) if zone else backend.settings.timezone
        heartbeats, trouble = read_current_heartbeats(backend)
        found = in_snapshot(backend.engine, source_answer, name, heartbeats, clock, utc_now())
        return _json(found, trouble, clock)

    return router


def _json(found: SourceAnswer, trouble: str, clock: tzinfo) -> dict[str, Any]:
    source, day = found.source, found.day
    return {
        "name": source.name,
        "is_camera": found.is_camera,
        "generated": source.generated,
        "tags": source.tags,
        "former_names": source.former_names,
        "added_at": found.added_at.timestamp(),
        "removed_at": json_values(found.removed_at),
        "live": None
        if found.live is None
        else json_values(found.live) | {"fps_limit": found.fps_limit, "history": []},
        "trouble": trouble,
        "states": json_values(found.states),
        "verdict": None
        if day.verdict is None
        else {"line": verdict_text(day.verdict, clock), "basis": basis_text(day.verdict, clock)},
        "day": {
            "since": day.since.timestamp(),
            "until": day.until.timestamp(),
            "is_today": day.is_today,
            "steps": json_values(time_steps(day.buckets)),
            "total": _total_json(day.total),
        },
        "week": json_values(time_steps(found.week)),
        "runs": [_run_json(run) for run in found.runs],
        "run_count": found.run_count,
        "dead_letters": found.dead_letters,
        "alerts": json_values([event_document(one) for one in found.alerts]),
    }


def _total_json(total: Total) -> dict[str, Any]:
    now = total.now
    return {
        "person_s": dict(now.person_s),
        "tracks": now.tracks,
        "valence": now.valence,
        "coverage": total.coverage if total.expected_s or now.analyzed_s else None,
    }


def _run_json(run: RunLine) -> dict[str, Any]:
    named = asdict(run)
    kept = ("run_id", "kind", "state", "error", "recorded_at", "started_at", "finished_at")
    return {name: json_values(named[name]) for name in (*kept, "duration_s", "faces", "queued_at")}
