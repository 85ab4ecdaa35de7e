"""Renaming of live sources. History refers to the source's row, so it stays with the source."""

from sqlalchemy import Connection, Engine, delete, select, update

from contracts.errors import SourceNameTakenError
from contracts.times import utc_now
from records.audit import MOODLINE, write_audit_entry
from records.audit_actions import Action
from records.database import transaction
from records.locks import lock_queue
from records.sources.live_sources import check_name, find_source_in
from records.tables.sources import FormerName, Source
from records.upsert import upsert


def rename_source(engine: Engine, name: str, new_name: str, *, actor: str = MOODLINE) -> str:
    """Rename a live source, which is then opened again; return the name that it had.

    Raises SourceNotFoundError, and SourceError if the new name is invalid or already taken.
    """
    check_name(new_name)
    with transaction(engine) as connection:
        lock_queue(connection)
        source = find_source_in(connection, name)
        if source.name == new_name:
            return source.name
        _check_free(connection, new_name)
        connection.execute(delete(FormerName).where(FormerName.name == new_name))
        row = {"source_pk": source.pk, "until": utc_now()}
        connection.execute(
            upsert(connection, FormerName)
            .values(name=source.name, **row)
            .on_conflict_do_update(index_elements=["name"], set_=row)
        )
        connection.execute(
            update(Source)
            .where(Source.id == source.pk)
            .values(name=new_name, revision=Source.revision + 1)
        )
        details = {"source": new_name, "before": source.name}
        write_audit_entry(connection, actor, Action.SOURCE_RENAMED, details)
    return source.name


def _check_free(connection: Connection, name: str) -> None:
    row = connection.execute(
        select(Source.kind, Source.removed_at).where(Source.name == name)
    ).first()
    if row is None:
        return
    whose = "a source that was removed" if row.removed_at is not None else "another source"
    raise SourceNameTakenError(
        f"the source name {name} is already used by {whose}", hint="Choose another name"
    )
