"""Live sources as records: add, edit, pause, remove, and claim for a supervisor.

A running system reads them twice a second, so each change is effective at once.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, insert, select, update

from contracts.database import reading, transaction
from contracts.errors import SourceError, SourceNotFoundError
from contracts.history import MICROS, UPTIME, WIDTHS, add_sums, lock_rollups, windows
from contracts.jobs import claim_is_alive, lock_queue
from contracts.records import Source, SourceInterval, to_micros, utc_now
from contracts.redact import redact

LIVE: Final = "live"
"""The kind of these sources, and of their runs."""

MAX_NAME: Final = 64
_LONGEST_NEWS_US: Final = 7 * 86_400 * MICROS
"""Uptime is added at most that far back: a wrong clock must not write for hours."""


class LiveState(StrEnum):
    """What a live source does; each state has a reason, except streaming.

    stalled: connected, and no picture comes. failed: it refuses us, and asking again and again
    would lock the camera; or it is not there at all.
    """

    CONNECTING = "connecting"
    STREAMING = "streaming"
    STALLED = "stalled"
    BACKING_OFF = "backing_off"
    PAUSED = "paused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LiveSource:
    """One live source, as its row says. uri: as stored, perhaps sealed; shown_uri: for people."""

    pk: int
    name: str
    uri: str
    shown_uri: str
    host: str | None
    sampling_fps: float | None
    max_side: int | None
    tags: tuple[str, ...]
    looped: bool
    paused: bool
    revision: int


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What its owner says of a live source."""

    uri: str
    shown_uri: str
    host: str | None
    sampling_fps: float | None
    max_side: int | None
    tags: tuple[str, ...] = ()
    looped: bool = False

    def columns(self) -> dict[str, Any]:
        """As the row's values."""
        return {
            "uri": self.uri,
            "shown_uri": self.shown_uri,
            "host": self.host,
            "sampling_fps": self.sampling_fps,
            "max_side": self.max_side,
            "tags": json.dumps(self.tags),
            "looped": self.looped,
        }


def check_name(name: str) -> None:
    """Raise SourceError for a name that could not be typed, shown or told from a URI."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise SourceError(f"{name!r} is no name", hint=f"Use 1 to {MAX_NAME} printable characters")
    if name.isdecimal() or "/" in name or name.startswith("-"):
        raise SourceError(
            f"{name!r} could be taken for a camera's number, a path or an option",
            hint="Use a word, as in: moodline source add door rtsp://camera.local/live",
        )


def add_source(engine: Engine, name: str, settings: SourceSettings) -> None:
    """Add a live source, or bring back a removed one under its name with new settings.

    Raises SourceError when the name is taken.
    """
    check_name(name)
    with transaction(engine) as connection:
        lock_queue(connection)
        found = connection.execute(
            select(Source.id, Source.kind, Source.removed_at).where(Source.name == name)
        ).first()
        if found is None:
            connection.execute(
                insert(Source).values(
                    name=name, kind=LIVE, created_at=utc_now(), **settings.columns()
                )
            )
            return
        if found.kind != LIVE:
            raise SourceError(f"{name} is the name of recordings", hint="Choose another name")
        if found.removed_at is None:
            raise SourceError(
                f"there is a source {name} already", hint=f"Change it: moodline source edit {name}"
            )
        # Nobody wanted it seen meanwhile, which is what a pause is.
        gone = {"since": found.removed_at, "until": utc_now(), "reason": "it was removed"}
        connection.execute(
            insert(SourceInterval).values(source_pk=found.id, state=LiveState.PAUSED, **gone)
        )
        _update(connection, found.id, settings.columns() | {"removed_at": None, "paused": False})


def edit_source(engine: Engine, name: str, settings: SourceSettings) -> None:
    """Give a source other settings; it is opened anew. Raises SourceNotFoundError."""
    _change(engine, name, settings.columns())


def pause_source(engine: Engine, name: str, *, paused: bool) -> None:
    """Stop reading a source, or go on. Raises SourceNotFoundError."""
    _change(engine, name, {"paused": paused})


def remove_source(engine: Engine, name: str) -> None:
    """Stop reading a source, and forget where it is; its records stay.

    Raises SourceNotFoundError.
    """
    _change(engine, name, {"removed_at": utc_now(), "uri": None, "shown_uri": ""})


def find_source(engine: Engine, name: str) -> LiveSource:
    """The live source of that name. Raises SourceNotFoundError."""
    with reading(engine) as connection:
        return _found(connection, name)


def live_sources(engine: Engine) -> list[LiveSource]:
    """All live sources that were not removed, by name."""
    with reading(engine) as connection:
        rows = connection.execute(_LIVING.order_by(Source.name))
        return [_live_source(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who watches over sources, on which host, and for how long a claim holds unrenewed."""

    name: str
    host: str
    lease_s: float


def claim_sources(engine: Engine, claimant: Claimant, *, renew: bool) -> list[LiveSource]:
    """The sources that are this claimant's, with those that nobody else watches over.

    renew: its claims are extended, too. Writes only where there is something to write.
    """
    with reading(engine) as connection:
        mine, free = _shares(connection, claimant)
    if free or (renew and mine):
        with transaction(engine) as connection:
            lock_queue(connection)
            mine, free = _shares(connection, claimant)
            connection.execute(
                update(Source)
                .where(Source.id.in_([one.pk for one in (*mine, *free)]))
                .values(
                    claimed_by=claimant.name,
                    claim_expires_at=utc_now() + timedelta(seconds=claimant.lease_s),
                )
            )
    return [*mine, *free]


def release_sources(engine: Engine, claimant: str) -> None:
    """Give up every claim: another may watch over them at once."""
    with transaction(engine) as connection:
        connection.execute(
            update(Source)
            .where(Source.claimed_by == claimant)
            .values(claimed_by=None, claim_expires_at=None)
        )


@dataclass(frozen=True, slots=True)
class IntervalNews:
    """A source is in a state since then, and still was at `until`."""

    source_pk: int
    state: LiveState
    reason: str
    since: datetime
    until: datetime


def write_intervals(engine: Engine, news: Sequence[IntervalNews]) -> None:
    """Extend the sources' latest intervals, or begin new ones where the state is another."""
    with transaction(engine) as connection:
        lock_rollups(connection)
        for one in news:
            _write_interval(connection, one)


def _write_interval(connection: Connection, one: IntervalNews) -> None:
    of_source = (
        select(SourceInterval.id, SourceInterval.until)
        .where(SourceInterval.source_pk == one.source_pk)
        .order_by(SourceInterval.since.desc(), SourceInterval.id.desc())
        .limit(1)
    )
    latest = connection.execute(of_source).first()
    # A clock that was turned back makes the latest by time another one than the last to be written.
    known = connection.execute(
        of_source.where(SourceInterval.since == one.since, SourceInterval.state == one.state)
    ).first()
    # A moment is in one state only.
    begin = max([one.since, *(row.until for row in (latest, known) if row is not None)])
    if known is not None:
        connection.execute(
            update(SourceInterval)
            .where(SourceInterval.id == known.id)
            .values(until=max(one.until, known.until), reason=one.reason)
        )
    else:
        connection.execute(
            insert(SourceInterval).values(
                source_pk=one.source_pk,
                state=one.state,
                reason=one.reason,
                since=one.since,
                until=one.until,
            )
        )
    _add_uptime(connection, one, to_micros(begin), to_micros(one.until))


def _add_uptime(connection: Connection, one: IntervalNews, begin_us: int, end_us: int) -> None:
    """Nothing else knows it: it is added to the windows at once, and never computed again."""
    begin_us = max(begin_us, end_us - _LONGEST_NEWS_US)
    add_sums(
        connection,
        [
            {
                "source_pk": one.source_pk,
                "width_s": width_s,
                "start": start,
                "part": UPTIME,
                "folded_at": one.until,
                # Differences of whole milliseconds: pieces add up to the whole.
                "watched_ms": (ms := until // 1000 - since // 1000),
                "up_ms": ms if one.state is LiveState.STREAMING else 0,
            }
            for width_s in WIDTHS
            for start, since, until in windows(begin_us, end_us, width_s)
        ],
    )


_LIVING: Final = select(*Source.__table__.c).where(Source.kind == LIVE, Source.removed_at.is_(None))


def _shares(
    connection: Connection, claimant: Claimant
) -> tuple[list[LiveSource], list[LiveSource]]:
    """The sources that are the claimant's, and those that are nobody's and could be its own."""
    mine, free = [], []
    for row in connection.execute(_LIVING.order_by(Source.id)):
        if row.host not in (None, claimant.host):
            continue
        if row.claimed_by == claimant.name:
            mine.append(_live_source(row))
        elif not claim_is_alive(row.claimed_by, row.claim_expires_at):
            free.append(_live_source(row))
    return mine, free


def _change(engine: Engine, name: str, values: dict[str, Any]) -> None:
    with transaction(engine) as connection:
        _update(connection, _found(connection, name).pk, values)


def _update(connection: Connection, source_pk: int, values: dict[str, Any]) -> None:
    connection.execute(
        update(Source).where(Source.id == source_pk).values(revision=Source.revision + 1, **values)
    )


def _found(connection: Connection, name: str) -> LiveSource:
    row = connection.execute(_LIVING.where(Source.name == name)).first()
    if row is None:
        raise SourceNotFoundError(
            f"no live source {name}", hint="`moodline source list` shows them"
        )
    return _live_source(row)


def _live_source(row: Row[Any]) -> LiveSource:
    return LiveSource(
        pk=row.id,
        name=row.name,
        uri=row.uri or "",
        shown_uri=redact(row.shown_uri),
        host=row.host,
        sampling_fps=row.sampling_fps,
        max_side=row.max_side,
        tags=tuple(json.loads(row.tags)),
        looped=row.looped,
        paused=row.paused,
        revision=row.revision,
    )
