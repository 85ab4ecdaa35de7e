"""Tables of leases, schedules, scheduled job runs and the audit log."""

from typing import Any

from sqlalchemy import (
    String,
    Text,
)
from sqlalchemy.orm import Mapped, mapped_column

from records.tables.base import Base, UtcMicros


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
