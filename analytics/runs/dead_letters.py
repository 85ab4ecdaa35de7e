"""Frames that were set aside instead of analysed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select

from analytics.snapshots import snapshot
from records.tables.runs import DeadLetter, Run
from records.tables.sources import Source


@dataclass(frozen=True, slots=True)
class SetAside:
    """One message that no try could analyse. frame_index: None where it could not be read."""

    run_id: str
    source: str
    seq: int
    frame_index: int | None
    reason: str
    at: datetime


def list_dead_letters(engine: Engine, *, limit: int = 1000) -> tuple[SetAside, ...]:
    """The newest first."""
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
    with snapshot(engine) as connection:
        return tuple(SetAside(*row) for row in connection.execute(query))
