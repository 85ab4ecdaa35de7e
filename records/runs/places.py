"""The place of a recording: which runs are of one recording, and which are of copies of it.

A recording is a content at a place. An upload has no place of its own: its name stands for it.
"""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from sqlalchemy import Connection, select, update

from contracts.runs import RunKind
from records.runs.file_job import FileJob
from records.tables.runs import Run

IsGone = Callable[[str], bool]
"""Whether no file is at a stored address any more."""
_UPLOAD: Final = re.compile(r"[0-9a-f]{32}")
"""The folder of an upload, which says nothing to people."""


def nothing_is_gone(_uri: str) -> bool:
    """Take every recording to be where it was."""
    return False


def path_of(uri: str) -> PurePosixPath:
    """Return the path in a stored address."""
    return PurePosixPath(unquote(uri))


def is_upload(path: PurePosixPath) -> bool:
    """Return whether the path looks like that of an upload."""
    return _UPLOAD.fullmatch(path.parent.name) is not None


def same_place(one: str, other: str) -> bool:
    """Return whether two stored addresses are of one place, or of uploads of one name."""
    if one == other:
        return True
    first, second = path_of(one), path_of(other)
    return first.name == second.name and is_upload(first) and is_upload(second)


def follow_move(connection: Connection, job: FileJob, is_gone: IsGone) -> None:
    """Take the job's recording for one that was moved, if the old place has no file any more.

    A recording is moved if its file has the same content and name in another folder. Its runs get
    the new place, so that it stays one recording. A renamed one is a copy: its name is what people
    know it by.
    """
    path = path_of(job.uri)
    if is_upload(path):
        return
    places = dict.fromkeys(
        connection.scalars(
            select(Run.uri)
            .where(Run.content_hash == job.content_hash, Run.kind == RunKind.FILE)
            .order_by(Run.id.desc())
        )
    )
    if job.uri in places:
        return
    for uri in places:
        before = path_of(uri)
        if before.name == path.name and not is_upload(before) and is_gone(uri):
            connection.execute(
                update(Run)
                .where(Run.content_hash == job.content_hash, Run.uri == uri)
                .values(uri=job.uri, file_state=job.file_state)
            )
            return
