"""Ledger: counts of decoded, published and committed frames of each run, to detect losses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import av
from sqlalchemy import func, select

from analytics.runs.run_summary import run_summaries
from analytics.snapshots import in_snapshot
from records.database import open_engine, reading
from records.tables.faces import Face, Frame
from records.tables.runs import DeadLetter, Run, RunProgress


@dataclass(frozen=True)
class LedgerLine:
    """The counts of a run.

    decoded: frames that the test decoded itself. published: sequence numbers of frames. first,
    last: frame indexes. faces: as summarised. faces_committed: rows.
    """

    source: str
    state: str
    decoded: int
    captured: int
    sampled_out: int
    dropped: int
    published: int
    committed: int
    first: int
    last: int
    faces: int
    faces_committed: int
    dead_letters: int

    @property
    def balances(self) -> bool:
        """Whether each decoded frame was either committed, sampled out or dropped."""
        return (
            self.state == "done"
            and self.decoded == self.captured
            and self.captured == self.committed + self.sampled_out + self.dropped
            and self.published == self.committed + self.dead_letters
            and (self.first, self.last) == (0, self.decoded - 1)
            and self.faces == self.faces_committed
        )


def decoded_frames(path: Path) -> int:
    """The number of frames in the recording."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def ledger(database_url: str, decoded: Mapping[str, int]) -> list[LedgerLine]:
    """Return a line per run. decoded: frame counts by source name."""
    engine = open_engine(database_url)
    lines = []
    with reading(engine) as connection:
        runs = connection.execute(
            select(Run.id, Run.run_id, RunProgress.next_seq, RunProgress.frames_analyzed).join(
                RunProgress, RunProgress.run_pk == Run.id
            )
        ).all()
        counts = {
            run.run_id: (
                connection.execute(
                    select(
                        func.count(), func.min(Frame.frame_index), func.max(Frame.frame_index)
                    ).where(Frame.run_pk == run.id)
                ).one(),
                connection.execute(
                    select(func.count()).select_from(Face).where(Face.run_pk == run.id)
                ).scalar_one(),
                connection.execute(
                    select(func.count()).select_from(DeadLetter).where(DeadLetter.run_pk == run.id)
                ).scalar_one(),
                run.next_seq,
            )
            for run in runs
        }
    for summary in in_snapshot(engine, run_summaries, [run.run_id for run in runs]):
        (committed, first, last), faces, letters, next_seq = counts[summary.run_id]
        lines.append(
            LedgerLine(
                source=summary.source,
                state=str(summary.state),
                decoded=decoded[summary.source],
                captured=summary.coverage.captured,
                sampled_out=summary.coverage.sampled_out,
                dropped=sum(summary.coverage.dropped.values()),
                published=next_seq - 2,  # next_seq is past the End message.
                committed=committed,
                first=first if first is not None else -1,
                last=last if last is not None else -1,
                faces=summary.faces,
                faces_committed=faces,
                dead_letters=letters,
            )
        )
    engine.dispose()
    return lines
