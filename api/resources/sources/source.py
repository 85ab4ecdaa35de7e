"""Source: one source as the API shows it, and how it is found."""

from datetime import datetime

from pydantic import Field
from sqlalchemy import Connection

from analytics.history.source_selection import HistorySource, select_sources
from analytics.now.live_sources import live_source_counts
from analytics.now.live_status import LiveStatus, live_status
from api.access import require_source, visible_sources
from api.conventions.fields import Answer, example
from broker.heartbeats import Heartbeats
from contracts.runs import RunKind


class Source(Answer):
    """A source. Fields of live sources are `null` for recordings and for removed sources."""

    model_config = Answer.model_config | example(
        name="door",
        kind="live",
        tags=["ground-floor"],
        removed=False,
        generated=False,
        former_names=[],
        uri="rtsp://camera.local/live",
        state="streaming",
        reason="",
        since="2026-11-30T08:00:00Z",
        paused=False,
        fps=5.0,
        fps_limit=5.0,
        last_frame_age_s=0.2,
        watched_by="host",
        run_id="0a1b2c3d4e5f60718293a4b5",
        captured=3000,
        analyzed=2990,
        sampled_out=0,
        dropped={"newest": 10},
        rotate=0,
        mirror=False,
        keep_static=None,
        min_face_px=None,
    )

    name: str
    kind: str = Field(json_schema_extra={"enum": [*RunKind]})
    tags: list[str]
    removed: bool = Field(description="It is no longer read; its history stays.")
    generated: bool = Field(description="Its history was generated, not measured.")
    former_names: list[str]
    uri: str | None = Field(default=None, description="The address without credentials.")
    state: str | None = Field(
        default=None,
        description="connecting, streaming, stalled, backing_off, paused, failed, unanalyzed "
        "(frames arrive and none is analysed), dead (no process reads it), or unknown.",
    )
    reason: str | None = None
    since: datetime | None = Field(default=None, description="Since when it is in this state.")
    paused: bool | None = None
    fps: float | None = Field(default=None, description="Frames a second that arrive now.")
    fps_limit: float | None = Field(default=None, description="Most frames a second to analyse.")
    last_frame_age_s: float | None = None
    watched_by: str | None = Field(default=None, description="The host that reads it.")
    run_id: str | None = Field(default=None, description="Its latest run, of which the counts are.")
    captured: int | None = None
    analyzed: int | None = None
    sampled_out: int | None = None
    dropped: dict[str, int] | None = Field(default=None, description="Frames by cause.")
    rotate: int | None = Field(default=None, description="Degrees clockwise.")
    mirror: bool | None = None
    keep_static: bool | None = Field(default=None, description="Whether still faces count.")
    min_face_px: int | None = Field(default=None, description="Shortest side of a face, pixels.")


def find_sources(connection: Connection, heartbeats: Heartbeats | None) -> list[Source]:
    """Return all sources that the asker sees, by name. heartbeats: None if they are unknown."""
    known = select_sources(connection, within=visible_sources())
    live = {one.name: one for one in live_status(connection, heartbeats)}
    limits = {one.name: (one.fps_limit, one.paused) for one in live_source_counts(connection)}
    return [_source(one, live.get(one.name), limits.get(one.name)) for one in known]


def find_source(connection: Connection, heartbeats: Heartbeats | None, name: str) -> Source:
    """Return one source. Raises SourceNotFoundError if the asker sees none of that name."""
    present = require_source(connection, name)
    (known,) = select_sources(connection, [present])
    live = next(iter(live_status(connection, heartbeats, name=present)), None)
    counts = next(iter(live_source_counts(connection, name=present)), None)
    more = None if counts is None else (counts.fps_limit, counts.paused)
    return _source(known, live, more)


def _source(
    known: HistorySource, live: LiveStatus | None, more: tuple[float | None, bool] | None
) -> Source:
    """more: the limit of frames a second, and whether it is paused."""
    found = Source(
        name=known.name,
        kind=known.kind,
        tags=[*known.tags],
        removed=known.removed,
        generated=known.generated,
        former_names=[*known.former_names],
    )
    if live is None or more is None:
        return found
    names = (
        *("uri", "state", "reason", "fps", "last_frame_age_s", "watched_by", "run_id"),
        *("captured", "analyzed", "sampled_out", "rotate", "mirror", "keep_static"),
        "min_face_px",
    )
    fields = {name: getattr(live, name) for name in names}
    since = None if live.since is None else datetime.fromisoformat(live.since)
    return found.model_copy(
        update=fields
        | {"since": since, "dropped": dict(live.dropped), "fps_limit": more[0], "paused": more[1]}
    )
