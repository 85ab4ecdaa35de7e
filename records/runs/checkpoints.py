"""Checkpoints: the stored state of analyses. Only the part that shows faces is known here."""

import json

from sqlalchemy import Connection, select, update

from contracts.runs import CHECKPOINT_LOOKS
from records.tables.runs import RunProgress


def forget_looks(connection: Connection, run_pk: int) -> None:
    """Remove from the run's checkpoint how faces looked. The run can still be resumed.

    The caller removes rows of a run that has ended: its checkpoint must not outlive them.
    """
    stored = connection.execute(
        select(RunProgress.checkpoint).where(RunProgress.run_pk == run_pk).with_for_update()
    ).scalar()
    if not stored:
        return
    state = json.loads(stored)
    if isinstance(state, dict) and state.pop(CHECKPOINT_LOOKS, None) is not None:
        left = json.dumps(state, separators=(",", ":")).encode()
        connection.execute(
            update(RunProgress).where(RunProgress.run_pk == run_pk).values(checkpoint=left)
        )
