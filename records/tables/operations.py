"""The tables of leases, schedules, job runs, seen services, retention, audit and broker key."""

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text

from records.tables.base import Base, Mapped, mapped_column


class Lease(Base):
    """A role that one process holds at a time.

    name: the role.
    holder: the process, as `runtime.process_identity` names it.
    expires_at: when another process may take it.
    """

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    holder: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[datetime]


class Schedule(Base):
    """A watched folder.

    name, path: the owner's name for it, and its stored address.
    every_s, cron: the interval in seconds, or a cron expression.
    options: how its recordings are enqueued, as JSON.
    seen: size and mtime of each file that was handled, as JSON.
    created_at: when it was added.
    """

    __tablename__ = "schedules"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(128), unique=True)
    path: Mapped[str] = mapped_column(Text)
    every_s: Mapped[int | None]
    cron: Mapped[str | None] = mapped_column(String(128))
    options: Mapped[str] = mapped_column(Text, default="{}")
    seen: Mapped[str] = mapped_column(Text, default="{}")
    created_at: Mapped[datetime]


class JobRun(Base):
    """One execution of a scheduled job: one row per due time.

    job, scheduled_at: the job, and when it was due.
    holder: the process that executed it.
    started_at, finished_at: when it began and ended; NULL as end while it runs.
    result, error: one line each for people, or "".
    """

    __tablename__ = "job_runs"

    job: Mapped[str] = mapped_column(String(160), primary_key=True)
    scheduled_at: Mapped[datetime] = mapped_column(primary_key=True)
    holder: Mapped[str] = mapped_column(String(128))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(Text, default="")


class SeenService(Base):
    """A process of a service, so that one that died can be told from one that never was.

    id: as in its heartbeats.
    service: worker, ingest, scheduler or dashboard.
    host, pid: where it runs.
    started_at, seen_at: when it began, and when it last noted itself here.
    stopped_at: when it was stopped; NULL while it runs, and after it died.
    """

    __tablename__ = "seen_services"

    id: Mapped[str] = mapped_column(String(256), primary_key=True)
    service: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(256))
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class KeptDays(Base):
    """How long one kind of data is kept, where no setting of the environment says so.

    name: one of records.kept_days.SETTINGS.
    days: as in the setting of that kind.
    """

    __tablename__ = "kept_days"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    days: Mapped[int]


class AuditEntry(Base):
    """Something that somebody did, such as a sign-in or an erasure.

    at, actor: when, and which user or process.
    address: the network address of the actor, or "" for a process of this host.
    action: what was done.
    details: JSON, with keys that depend on the action.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_action", "action", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(128))
    address: Mapped[str] = mapped_column(String(64), default="", server_default="")
    action: Mapped[str] = mapped_column(String(32))
    details: Mapped[str] = mapped_column(Text)


class BrokerKey(Base):
    """The only row: the key with which processes sign what they leave in the broker.

    key: random bytes.
    created_at: when.
    """

    __tablename__ = "broker_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
