"""Receipts of erasures, and the end of an erasure: its copies, its traces and its receipt."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from analytics.removal.erasure_scope import ErasureScope
from analytics.removal.traces import remove_traces
from contracts.errors import MoodlineError
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import transaction

_NOT_AUDITED: Final = ("run_ids", "at", "dry_run", "number")


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an erasure, or of a dry run: the number of records by kind.

    rollups: frames of which only removed sums were stored. dead_letters: those that may have been
    captured in the range. run_ids: the runs that lost records. number: the entry in the audit.
    remains: where erased data may still be on this host; "" for nowhere that moodline knows.
    """

    sources: tuple[str, ...]
    runs: int
    frames: int
    faces: int
    tracks: int
    rollups: int
    dead_letters: int
    run_ids: tuple[str, ...]
    at: datetime
    dry_run: bool
    number: int | None = None
    remains: str = ""


DeleteCopies = Callable[[Receipt], None]
"""Deletes what is outside the database: files and what the broker holds."""


def no_copies(_receipt: Receipt) -> None:
    """Delete nothing: there is only the database."""


def close_erasure(  # noqa: PLR0913
    engine: Engine,
    scope: ErasureScope,
    receipt: Receipt,
    *,
    actor: str,
    action: Action,
    delete_copies: DeleteCopies,
) -> Receipt:
    """Delete the copies and the traces of erased rows, and write the receipt to the audit.

    The rows are gone already, so a copy that cannot be deleted is named in the receipt.
    """
    remains = [receipt.remains]
    try:
        delete_copies(receipt)
    except OSError as exc:
        remains.append(f"{exc.filename or 'a file'}, which cannot be deleted: {exc.strerror}")
    except MoodlineError as exc:
        remains.append(f"copies that cannot be deleted: {exc}")
    remains.append(remove_traces(engine))
    receipt = replace(receipt, remains="; ".join(filter(None, remains)))
    details = {
        "scope": {name: str(value) for name, value in asdict(scope).items() if value},
        **{name: value for name, value in asdict(receipt).items() if name not in _NOT_AUDITED},
    }
    with transaction(engine) as connection:
        number = write_audit_entry(connection, actor, action, details)
    return replace(receipt, number=number)
