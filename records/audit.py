"""The audit: who did what and from where, in the database and as a line of the log."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Connection, event, insert, update

from contracts.times import utc_now
from records.audit_actions import ACTIONS, Kind
from records.json_columns import encode_audit_details
from records.tables.operations import AuditEntry
from runtime.visible_text import visible

log = structlog.get_logger()

MOODLINE: Final = "moodline"
"""The actor of what moodline does by itself."""
_MAX_TEXT: Final = 512
_address: ContextVar[str] = ContextVar("moodline_audit_address", default="")


_NOT_OF_USERS: Final = frozenset[str]().union(*ACTIONS.values())


def is_of_kind(kind: Kind) -> ColumnElement[bool]:
    """Return the condition for entries of a kind. All actions without another kind are of USER."""
    if kind is Kind.USER:
        return AuditEntry.action.not_in(_NOT_OF_USERS)
    return AuditEntry.action.in_(ACTIONS[kind])


def set_actor_address(address: str) -> None:
    """Set the network address of the request that is served: its entries are written with it."""
    _address.set(address)


def actor_address() -> str:
    """Return the network address of the request that is served, also in threads that it waits for.

    "" outside of a request.
    """
    return _address.get()


def write_audit_entry(
    connection: Connection, actor: str, action: str, details: Mapping[str, object]
) -> int:
    """Add an entry in the transaction that makes the change, and return its id.

    details: JSON-serialisable values. Texts are limited in length, and cannot steer a terminal.
    """
    values = {
        "actor": visible(actor)[:128],
        "address": visible(actor_address())[:64],
        "action": str(action),
    }
    known = _bounded(details)
    # Logged by the commit: what is rolled back was not done.
    event.listen(connection, "commit", lambda _: log.info("audit", **values, details=known))
    return connection.execute(
        insert(AuditEntry)
        .values(at=utc_now(), details=encode_audit_details(known), **values)
        .returning(AuditEntry.id)
    ).scalar_one()


def update_audit_entry(connection: Connection, number: int, details: Mapping[str, object]) -> None:
    """Replace the details of an entry for events that are counted."""
    connection.execute(
        update(AuditEntry)
        .where(AuditEntry.id == number)
        .values(details=encode_audit_details(_bounded(details)))
    )


def _bounded(details: Mapping[str, object]) -> dict[str, object]:
    return {name: _bounded_value(value) for name, value in details.items()}


def _bounded_value(value: object) -> object:
    if isinstance(value, str):
        return visible(value)[:_MAX_TEXT]
    if isinstance(value, Mapping):
        return _bounded(value)
    if isinstance(value, (list, tuple)):
        return [_bounded_value(one) for one in value]
    return value
