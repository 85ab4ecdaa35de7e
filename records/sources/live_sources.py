"""Live sources: add, edit, pause, remove and find.

A running supervisor reads them twice a second, so every change takes effect at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, insert, select, update

from contracts.errors import SourceError, SourceNameTakenError, SourceNotFoundError
from contracts.live_sources import LiveSource, LiveState
from contracts.redaction import redact
from contracts.runs import RunKind
from contracts.times import utc_now
from contracts.zones.turning import Turn, turned_zones
from contracts.zones.zone import Zones, zones_text
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import reading, transaction
from records.json_columns import decode_tags, decode_zones, encode_tags, encode_zones
from records.locks import lock_queue
from records.sources.former_names import current_name
from records.sources.mask_audit import write_mask_changes
from records.tables.sources import Source, SourceInterval

MAX_NAME_LENGTH: Final = 64
CURRENT_SOURCES: Final = select(*Source.__table__.c).where(
    Source.kind == RunKind.LIVE, Source.removed_at.is_(None)
)
"""The query for live sources that were not removed."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """The settings of a live source, as its row stores them.

    uri: sealed if it holds credentials. shown_uri: without credentials. host: the host that must
    open it; None means any. sampling_fps, max_side, min_face_px, keep_static: None means the
    default. rotate, mirror: as in AnalysisOptions. zones: checked; None keeps those that the source
    has: an edit of something else, or adding a removed source again, never uncovers a mask.
    """

    uri: str
    shown_uri: str
    host: str | None
    sampling_fps: float | None
    max_side: int | None
    tags: tuple[str, ...] = ()
    looped: bool = False
    rotate: int = 0
    mirror: bool = False
    zones: Zones | None = None
    min_face_px: int | None = None
    keep_static: bool | None = None

    @property
    def turn(self) -> Turn:
        """How the displayed picture is turned."""
        return Turn(self.rotate, self.mirror)


def check_name(name: str) -> None:
    """Raise SourceError if the name is empty, too long or unprintable, or resembles a URI."""
    if not name.strip() or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise SourceError(
            f"invalid source name {name!r}", hint=f"Use 1 to {MAX_NAME_LENGTH} printable characters"
        )
    if name.isdecimal() or "/" in name or name.startswith("-") or not name.strip("."):
        raise SourceError(
            f"invalid source name {name!r}: it could be a camera number, a path or an option",
            hint="Use a word, as in: moodline source add door rtsp://camera.local/live",
        )


def add_source(
    engine: Engine, name: str, settings: SourceSettings, *, actor: str = MOODLINE
) -> None:
    """Add a live source, or bring back a removed one of that name with new settings.

    Raises SourceError if the name is invalid or already taken.
    """
    check_name(name)
    with transaction(engine) as connection:
        lock_queue(connection)
        _audit(connection, actor, Action.SOURCE_ADDED, name, address=settings.shown_uri)
        found = connection.execute(select(Source.__table__).where(Source.name == name)).first()
        if settings.zones is not None:
            before = () if found is None else decode_zones(found.zones)
            write_mask_changes(connection, actor, name, before, settings.zones)
        if found is None:
            connection.execute(
                insert(Source).values(
                    name=name, kind=RunKind.LIVE, created_at=utc_now(), **_columns(settings)
                )
            )
            return
        if found.kind != RunKind.LIVE:
            raise SourceNameTakenError(
                f"the source name {name} is already used by recordings", hint="Choose another name"
            )
        if found.removed_at is None:
            raise SourceNameTakenError(
                f"source {name} already exists", hint=f"Change it: moodline source edit {name}"
            )
        # While it was removed it was not expected to deliver, as in a pause.
        connection.execute(
            insert(SourceInterval).values(
                source_pk=found.id,
                state=LiveState.PAUSED,
                reason="it was removed",
                since=found.removed_at,
                until=utc_now(),
            )
        )
        turn = Turn(found.rotate, found.mirror)
        kept = turned_zones(decode_zones(found.zones), turn, settings.turn)
        values = {"zones": encode_zones(kept)} | _columns(settings)
        _update(connection, found.id, values | {"removed_at": None, "paused": False})


def edit_source(
    engine: Engine, name: str, settings: SourceSettings, *, actor: str = MOODLINE
) -> None:
    """Replace a source's settings; it is then opened again. Raises SourceNotFoundError.

    Zones that are kept move with a picture that is turned in another way.
    """
    with transaction(engine) as connection:
        lock_queue(connection)
        known = find_source_in(connection, name)
        kept = turned_zones(known.zones, known.turn, settings.turn)
        _update(connection, known.pk, {"zones": encode_zones(kept)} | _columns(settings))
        _audit(connection, actor, Action.SOURCE_EDITED, name, address=settings.shown_uri)
        if settings.zones is not None:
            write_mask_changes(connection, actor, name, known.zones, settings.zones)


def set_zones(  # noqa: PLR0913  (the last two by name)
    engine: Engine,
    name: str,
    zones: Zones,
    min_face_px: int | None,
    *,
    before: Zones,
    actor: str = MOODLINE,
) -> None:
    """Replace a source's zones and smallest face; it is then opened again.

    before: the zones that the change began with. Raises SourceNotFoundError, and SourceError if
    the source has others by now: nobody removes a mask that he has not seen.
    """
    with transaction(engine) as connection:
        lock_queue(connection)
        known = find_source_in(connection, name)
        if known.zones != before:
            raise SourceError(
                f"the zones of {name} were changed meanwhile", hint="Open them again, and repeat it"
            )
        values = {"zones": encode_zones(zones), "min_face_px": min_face_px}
        _update(connection, known.pk, values)
        _audit(connection, actor, Action.ZONES_CHANGED, name, zones=zones_text(zones) or "none")
        write_mask_changes(connection, actor, name, known.zones, zones)


def pause_source(engine: Engine, name: str, *, paused: bool, actor: str = MOODLINE) -> None:
    """Pause or resume reading a source. Raises SourceNotFoundError."""
    action = Action.SOURCE_PAUSED if paused else Action.SOURCE_RESUMED
    with transaction(engine) as connection:
        _change(connection, name, {"paused": paused})
        _audit(connection, actor, action, name)


def remove_source(engine: Engine, name: str, *, actor: str = MOODLINE) -> None:
    """Stop reading a source and delete its address; its records stay.

    Raises SourceNotFoundError.
    """
    with transaction(engine) as connection:
        _change(connection, name, {"removed_at": utc_now(), "uri": None, "shown_uri": ""})
        _audit(connection, actor, Action.SOURCE_REMOVED, name)


def find_source(engine: Engine, name: str) -> LiveSource:
    """Return the live source of that name. Raises SourceNotFoundError."""
    with reading(engine) as connection:
        return find_source_in(connection, name)


def live_sources(engine: Engine) -> list[LiveSource]:
    """Return all live sources that were not removed, by name."""
    with reading(engine) as connection:
        rows = connection.execute(CURRENT_SOURCES.order_by(Source.name))
        return [live_source_of(row) for row in rows]


def live_source_of(row: Row[*tuple[Any, ...]]) -> LiveSource:
    """Return the live source in a row of CURRENT_SOURCES."""
    return LiveSource(
        pk=row.id,
        name=row.name,
        uri=row.uri or "",
        shown_uri=redact(row.shown_uri),
        host=row.host,
        sampling_fps=row.sampling_fps,
        max_side=row.max_side,
        tags=decode_tags(row.tags),
        looped=row.looped,
        paused=row.paused,
        revision=row.revision,
        rotate=row.rotate,
        mirror=row.mirror,
        zones=decode_zones(row.zones),
        min_face_px=row.min_face_px,
        keep_static=row.keep_static,
    )


def _columns(settings: SourceSettings) -> dict[str, object]:
    zones = {} if settings.zones is None else {"zones": encode_zones(settings.zones)}
    return zones | {
        "uri": settings.uri,
        "shown_uri": settings.shown_uri,
        "host": settings.host,
        "sampling_fps": settings.sampling_fps,
        "max_side": settings.max_side,
        "tags": encode_tags(settings.tags),
        "looped": settings.looped,
        "rotate": settings.rotate,
        "mirror": settings.mirror,
        "min_face_px": settings.min_face_px,
        "keep_static": settings.keep_static,
    }


def _change(connection: Connection, name: str, values: Mapping[str, object]) -> None:
    _update(connection, find_source_in(connection, name).pk, values)


def _audit(
    connection: Connection, actor: str, action: Action, name: str, **details: object
) -> None:
    write_audit_entry(connection, actor, action, {"source": name, **details})


def _update(connection: Connection, source_pk: int, values: Mapping[str, object]) -> None:
    connection.execute(
        update(Source).where(Source.id == source_pk).values(revision=Source.revision + 1, **values)
    )


def find_source_in(connection: Connection, name: str) -> LiveSource:
    """Return the live source that has the name, or had it. Raises SourceNotFoundError."""
    query = CURRENT_SOURCES.where(Source.name == current_name(connection, name))
    row = connection.execute(query).first()
    if row is None:
        raise SourceNotFoundError(
            f"no live source {name}", hint="`moodline source list` shows them"
        )
    return live_source_of(row)
