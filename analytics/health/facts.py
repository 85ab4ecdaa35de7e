"""Facts: all that the verdict depends on, as it was read at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from analytics.now.live_status import LiveStatus
from analytics.now.overview import OpenRun
from broker.heartbeats import Heartbeats
from records.seen_services import SeenProcess


@dataclass(frozen=True, slots=True)
class Servers:
    """Broker and database. broker_url: "" if none runs. Errors: "" if it can be used.

    embedded: whether `moodline up` brings the broker. outdated: whether an upgrade of the schema is
    all that the database needs.
    """

    broker_url: str = ""
    broker_error: str = ""
    embedded: bool = True
    database_error: str = ""
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class JobFact:
    """A scheduled job. overdue_since: when it was due, if that is long ago and it did not begin.

    error: why its last run failed, or "". finished_at: the end of its last run that succeeded.
    """

    name: str
    overdue_since: datetime | None
    failed_at: datetime | None
    error: str
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of the last day, by source; newest_at: None without any."""

    by_source: Mapping[str, int] = field(default_factory=dict)
    newest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SilentTarget:
    """A target of alerts that gets none. since: of the oldest that waits, or of when it refused."""

    name: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Disk:
    """The free space of a folder. least: below it, moodline writes nothing large, in bytes.

    holds_records: whether the database is there.
    """

    folder: str
    free: int
    least: int
    holds_records: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """The facts of the database.

    live_until: when a live source was last streaming, by name. minutes_wait: whether minutes wait
    to be rolled up. folders: watched ones. removal_waits_until: after a jump of the clock.
    """

    live: Sequence[LiveStatus] = ()
    live_until: Mapping[str, datetime] = field(default_factory=dict)
    runs: Sequence[OpenRun] = ()
    seen: Sequence[SeenProcess] = ()
    minutes_wait: bool = False
    folders: int = 0
    dead_letters: DeadLetters = DeadLetters()
    jobs: Sequence[JobFact] = ()
    removal_waits_until: datetime | None = None
    silent_targets: Sequence[SilentTarget] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts. stored: None if the database cannot be read. heartbeats: None without a broker."""

    now: datetime
    servers: Servers
    heartbeats: Heartbeats | None
    stored: Stored | None
    disks: Sequence[Disk] = ()
