"""Allowed places: ports of this host that an administrator allowed as cameras.

Restream servers, such as go2rtc, mediamtx and Frigate, often run beside moodline.
"""

from sqlalchemy import Engine, delete, select

from contracts.parsing.addresses import HostPort
from contracts.times import utc_now
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import reading, transaction
from records.tables.sources import AllowedPlace
from records.upsert import upsert


def allowed_places(engine: Engine) -> list[HostPort]:
    """Return the ports of this host that are allowed as cameras."""
    with reading(engine) as connection:
        query = select(AllowedPlace.host, AllowedPlace.port)
        rows = connection.execute(query.order_by(AllowedPlace.host, AllowedPlace.port))
        return [HostPort(row.host, row.port) for row in rows]


def allow_place(engine: Engine, place: HostPort, *, actor: str) -> None:
    """Allow a port of this host as a camera, for all who may add sources."""
    with transaction(engine) as connection:
        row = {"allowed_at": utc_now(), "allowed_by": actor[:128]}
        connection.execute(
            upsert(connection, AllowedPlace)
            .values(host=place.host.lower(), port=place.port, **row)
            .on_conflict_do_update(index_elements=["host", "port"], set_=row)
        )
        write_audit_entry(connection, actor, Action.PLACE_ALLOWED, {"place": str(place)})


def refuse_place(engine: Engine, place: HostPort, *, actor: str) -> None:
    """Allow it no longer. Sources that were added by then go on."""
    with transaction(engine) as connection:
        connection.execute(
            delete(AllowedPlace).where(
                AllowedPlace.host == place.host.lower(), AllowedPlace.port == place.port
            )
        )
        write_audit_entry(connection, actor, Action.PLACE_REFUSED, {"place": str(place)})
