"""Dead letters: frames set aside because they could not be decoded or analysed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from records.tables.runs import DeadLetter, Run
from records.tables.sources import Source


@dataclass(frozen=True, slots=True)
class DeadLetterLine:
    """One dead letter. frame_index: None if the message could not be read."""

    run_id: str
    source: str
    seq: int
    frame_index: int | None
    reason: str
    at: datetime


def list_dead_letters(connection: Connection, *, limit: int = 1000) -> tuple[DeadLetterLine, ...]:
    """Return the dead letters of all runs, newest first."""
    query = (
        select(
            Run.run_id,
            Source.name,
            DeadLetter.seq,
            DeadLetter.frame_index,
            DeadLetter.reason,
            DeadLetter.at,
        )
        .join(Run, Run.id == DeadLetter.run_pk)
        .join(Source, Source.id == Run.source_pk)
        .order_by(DeadLetter.at.desc(), DeadLetter.seq.desc())
        .limit(limit)
    )
    return tuple(DeadLetterLine(*row) for row in connection.execute(query))
