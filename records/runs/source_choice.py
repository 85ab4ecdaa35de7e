"""The source of a new run of a recording: recordings of equal name are not the same source."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Final

from sqlalchemy import Connection, insert, select

from contracts.runs import RunKind
from records.runs.file_job import FileJob, source_name
from records.runs.places import is_upload, path_of, same_place
from records.tables.runs import Run
from records.tables.sources import Source

_MAX_NUMBER: Final = 99


def source_of(connection: Connection, job: FileJob, now: datetime) -> int:
    """Return the key of the job's source, and create the source if there is none.

    A name that the owner gave is taken as it is. Otherwise a source belongs to the recording if it
    has runs of this place, or none. The next recording of that name is called by more of its path,
    or gets a number.
    """
    for name in _names(job):
        known = connection.execute(
            select(Source.id, Source.kind).where(Source.name == name)
        ).first()
        if known is None:
            return connection.execute(
                insert(Source)
                .values(name=name, kind=RunKind.FILE, created_at=now)
                .returning(Source.id)
            ).scalar_one()
        if job.source_given or (known.kind == RunKind.FILE and _belongs(connection, known.id, job)):
            return int(known.id)
    raise AssertionError("the last name has the hash of the place in it")


def _names(job: FileJob) -> Iterator[str]:
    yield job.source
    shown, path = PurePosixPath(job.source).parts, path_of(job.uri)
    if path.parts[-len(shown) :] == shown and not is_upload(path):
        for count in range(len(shown) + 1, len(path.parts)):
            yield source_name("/".join(path.parts[-count:]))
    for number in range(2, _MAX_NUMBER + 1):
        yield source_name(f"{job.source} ({number})")
    yield source_name(f"{job.source} ({job.content_hash})")
    yield source_name(f"{job.source} ({hashlib.sha256(job.uri.encode()).hexdigest()})")


def _belongs(connection: Connection, source_pk: int, job: FileJob) -> bool:
    runs = select(Run.id).where(Run.source_pk == source_pk).limit(1)
    if connection.execute(runs).first() is None:
        return True
    if connection.execute(runs.where(Run.uri == job.uri)).first() is not None:
        return True
    same_content = select(Run.uri).where(
        Run.source_pk == source_pk, Run.content_hash == job.content_hash
    )
    return any(same_place(uri, job.uri) for uri in connection.scalars(same_content))
