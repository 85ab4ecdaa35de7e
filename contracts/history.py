"""The tables of history: what minutes, quarters, hours and days of a source add up to.

A rollup row only holds sums, so that rows can be added: those of the same window, and those of a
larger one. Windows begin at multiples of their width since 1970 UTC, in microseconds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from contracts.emotions import EMOTIONS, UNCERTAIN
from contracts.frames import DropCause
from contracts.records import Base, UtcMicros

MICROS: Final = 1_000_000
MINUTE_S: Final = 60
QUARTER_S: Final = 900
"""Each zone's offset from UTC is a multiple of it since 1980: any zone's days are whole ones."""
HOUR_S: Final = 3600
DAY_S: Final = 86_400
WIDTHS: Final = (MINUTE_S, QUARTER_S, HOUR_S, DAY_S)

RECOMPUTED: Final = 0
"""The part of a window that is computed from the rows that are kept."""
UPTIME: Final = -1
"""The part of a window that says when its source was watched over, and delivered."""

LABEL_SUMS: Final = {label: f"{label}_ms" for label in (*EMOTIONS, UNCERTAIN)}
"""Milliseconds of person-time by smoothed label."""
PROBABILITY_SUMS: Final = {label: f"p_{label}" for label in EMOTIONS}
"""Calibrated probability, in millionths, times the milliseconds that it stands for."""
CAUSES: Final = tuple(str(cause) for cause in DropCause)
FACE_SUMS: Final = (
    "faces",
    "tracks_begun",
    "tracks_carried",
    *LABEL_SUMS.values(),
    *PROBABILITY_SUMS.values(),
)
FRAME_SUMS: Final = ("frames", "analyzed_ms", "occupied_ms")
COUNT_SUMS: Final = ("captured", "sampled_out", *CAUSES)
UPTIME_SUMS: Final = ("up_ms", "watched_ms")
SUMS: Final = (*FRAME_SUMS, *FACE_SUMS, *COUNT_SUMS, *UPTIME_SUMS)

rollups: Final = Table(
    "rollups",
    Base.metadata,
    Column("source_pk", ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True),
    Column("width_s", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("folded_at", UtcMicros, nullable=False),
    *(Column(name, BigInteger, nullable=False, default=0, server_default="0") for name in SUMS),
    sqlite_with_rowid=False,
)
"""One window of a source, in parts: RECOMPUTED, UPTIME, or a run's key.

The part of a run holds what its rows added up to when retention removed them: it is never computed
again, and late data stands beside it. occupied_ms: of analyzed_ms, with a face in the frame.
tracks_begun: tracks with their first face in the window; tracks_carried: with an earlier one, and
with one in the window's first minute. So the distinct tracks of adjoining windows are the first
one's `carried` and the sum of `begun`, for no track skips a minute. folded_at: when data came in.
"""


class RunMinute(Base):
    """What became of the frames of a run that were captured within a minute, by cause.

    Their sums over a run are its totals in run_state.
    """

    __tablename__ = "run_minutes"
    __table_args__ = (Index("ix_run_minutes_start", "start"), {"sqlite_with_rowid": False})

    run_pk: Mapped[int] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    captured: Mapped[int] = mapped_column(BigInteger, default=0)
    sampled_out: Mapped[int] = mapped_column(BigInteger, default=0)
    corrupt: Mapped[int] = mapped_column(BigInteger, default=0)
    newest: Mapped[int] = mapped_column(BigInteger, default=0)
    broker_full: Mapped[int] = mapped_column(BigInteger, default=0)
    broker_lost: Mapped[int] = mapped_column(BigInteger, default=0)
    poison: Mapped[int] = mapped_column(BigInteger, default=0)


class DirtyWindow(Base):
    """A minute of a source whose rows changed since it was rolled up.

    token: another with each change, so that who rolls up sees that it changed meanwhile.
    """

    __tablename__ = "dirty_windows"
    __table_args__ = ({"sqlite_with_rowid": False},)

    source_pk: Mapped[int] = mapped_column(
        ForeignKey("sources.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    token: Mapped[int] = mapped_column(BigInteger)


class Lease(Base):
    """What only one process may be at a time, and which one is."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[Any] = mapped_column(UtcMicros)


class Schedule(Base):
    """A folder that is looked through again and again. seen: files that still grew, as JSON."""

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    path: Mapped[str] = mapped_column(Text)
    every_s: Mapped[int | None]
    cron: Mapped[str | None] = mapped_column(String(128))
    options: Mapped[str] = mapped_column(Text, default="{}")
    seen: Mapped[str] = mapped_column(Text, default="{}")
    created_at: Mapped[Any] = mapped_column(UtcMicros)


class JobRun(Base):
    """One run of a scheduled job: there is one for each time that it was due. error: or ""."""

    __tablename__ = "job_runs"

    job: Mapped[str] = mapped_column(String(160), primary_key=True)
    scheduled_at: Mapped[Any] = mapped_column(UtcMicros, primary_key=True)
    holder: Mapped[str] = mapped_column(String(128))
    started_at: Mapped[Any] = mapped_column(UtcMicros)
    finished_at: Mapped[Any | None] = mapped_column(UtcMicros)
    result: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(Text, default="")


class AuditEntry(Base):
    """What somebody did to the records that cannot be seen in them any more."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Any] = mapped_column(UtcMicros)
    actor: Mapped[str] = mapped_column(String(128))
    action: Mapped[str] = mapped_column(String(32))
    details: Mapped[str] = mapped_column(Text)


_INSERT: Final = {"sqlite": sqlite_insert, "postgresql": postgresql_insert}


def upsert(connection: Connection, table: Any) -> Any:
    """An INSERT of this database's kind, which knows ON CONFLICT."""
    return upsert_of(connection.dialect.name, table)


def upsert_of(dialect: str, table: Any) -> Any:
    """The same by the name of the kind, for statements that are built once."""
    return _INSERT[dialect](table)


def window_start(micros: int, width_s: int) -> int:
    """Where the window begins that `micros` lies in."""
    return micros - micros % (width_s * MICROS)


def windows(since_us: int, until_us: int, width_s: int) -> Iterator[tuple[int, int, int]]:
    """(start, from, to) for each window that [since, until) touches, with the part inside it."""
    while since_us < until_us:
        start = window_start(since_us, width_s)
        end = min(start + width_s * MICROS, until_us)
        yield start, since_us, end
        since_us = end


def mark_dirty(connection: Connection, source_pk: int, minutes: Iterable[int], token: int) -> None:
    """Say that these minutes of the source are to be rolled up again.

    Part of the transaction that changes their rows. In order: two never wait for each other.
    """
    rows = [
        {"source_pk": source_pk, "start": start, "token": token} for start in sorted(set(minutes))
    ]
    if not rows:
        return
    connection.execute(_marking(connection.dialect.name), rows)


@cache
def _marking(dialect: str) -> Any:
    """Built once: a worker executes it with each commit."""
    statement = upsert_of(dialect, DirtyWindow)
    return statement.on_conflict_do_update(
        index_elements=["source_pk", "start"], set_={"token": statement.excluded.token}
    )


def lock_rollups(connection: Connection) -> None:
    """Until the transaction ends, nobody else writes rollups. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7306096)")


def add_sums(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add to rollup rows, which begin at zero. All rows have the same keys."""
    if not rows:
        return
    statement = upsert(connection, rollups)
    new = statement.excluded
    sums = {name: rollups.c[name] + new[name] for name in rows[0] if name in SUMS}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source_pk", "width_s", "start", "part"],
            set_=sums | {"folded_at": new.folded_at},
        ),
        list(rows),
    )
