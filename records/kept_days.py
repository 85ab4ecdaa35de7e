"""How long data is kept, as `moodline apply` stores it for all services."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select

from contracts.settings import Settings
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.tables.operations import KeptDays

SETTINGS: Final = {
    name: f"keep_{name}_days" for name in ("faces", "frames", "minutes", "rollups", "audit")
}
"""The setting of each kind of data."""


def stored_days(connection: Connection) -> dict[str, int]:
    """Return the days that are stored, by kind."""
    return {row.name: row.days for row in connection.execute(select(KeptDays.name, KeptDays.days))}


def store_days(engine: Engine, days: Mapping[str, int | None], *, actor: str = MOODLINE) -> None:
    """Store days by kind; None removes what is stored, so that the setting's value counts."""
    with transaction(engine) as connection:
        for name, kept in days.items():
            connection.execute(delete(KeptDays).where(KeptDays.name == name))
            if kept is not None:
                connection.execute(insert(KeptDays).values(name=name, days=kept))
        write_audit_entry(connection, actor, Action.RETENTION_SET, {"days": dict(days)})


def with_stored_days(settings: Settings, connection: Connection) -> Settings:
    """Return the settings with the stored days. What the environment sets goes before them."""
    stored = {
        SETTINGS[name]: days
        for name, days in stored_days(connection).items()
        if name in SETTINGS and SETTINGS[name] not in settings.model_fields_set
    }
    return settings.model_copy(update=stored)
