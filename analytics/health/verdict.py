"""Verdict: how well the system works, why not better, and what to do about it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class Level(StrEnum):
    """How well the system works.

    healthy: everything that should be analysed is. degraded: a part is not, or something needs
    attention. down: nothing is analysed that should be. unknown: broker or database cannot be
    reached from here, so that nobody can tell.
    """

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"

    @property
    def exit_status(self) -> int:
        """The exit status of a command that reports it: 0, 1, or 2 for down and unknown."""
        return min(_RANKS[self], 2)

    @property
    def rank(self) -> int:
        """0 for the best level, 3 for the worst."""
        return _RANKS[self]


_RANKS: Final = {Level.HEALTHY: 0, Level.DEGRADED: 1, Level.UNKNOWN: 2, Level.DOWN: 3}


class Kind(StrEnum):
    """The kinds of problems."""

    DATABASE_AWAY = "database-away"
    BROKER_AWAY = "broker-away"
    NOT_RUNNING = "not-running"
    NO_WORKER = "no-worker"
    NO_INGEST = "no-ingest"
    NO_SCHEDULER = "no-scheduler"
    SERVICE_GONE = "service-gone"
    SERVICE_TROUBLE = "service-trouble"
    WORKER_LAG = "worker-lag"
    SOURCE_UNSUPERVISED = "source-unsupervised"
    SOURCE_UNANALYZED = "source-unanalyzed"
    SOURCE_OFFLINE = "source-offline"
    SOURCE_FAILED = "source-failed"
    RUN_STUCK = "run-stuck"
    RUN_REFUSED = "run-refused"
    DISK_LOW = "disk-low"
    DISK_FULL = "disk-full"
    CLOCK_SET = "clock-set"
    DEAD_LETTERS = "dead-letters"
    JOB_FAILED = "job-failed"
    JOB_OVERDUE = "job-overdue"
    ROLLUPS_OLD = "rollups-old"
    ALERTS_UNDELIVERED = "alerts-undelivered"


@dataclass(frozen=True, slots=True)
class Remedy:
    """The way to mend a problem: a command, and a page of the dashboard with the text of its link.

    Each is "" where there is none. page: below the dashboard's address, as `sources`.
    """

    command: str = ""
    page: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason for a verdict that is not healthy.

    subject: the source, service or folder; "" for the whole system. text: what is wrong, as a
    sentence. since: None if it is not known.
    """

    kind: Kind
    level: Level
    subject: str
    text: str
    since: datetime | None = None
    remedy: Remedy = Remedy()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict at one moment. problems: the worst first.

    unknown: what cannot be known now, such as the workers while the broker is away.
    """

    level: Level
    problems: tuple[Problem, ...]
    unknown: tuple[str, ...]
    checked_at: datetime

    @classmethod
    def of(
        cls, problems: Sequence[Problem], unknown: Sequence[str], checked_at: datetime
    ) -> "Verdict":
        """Return the verdict that these problems make."""
        ordered = sorted(problems, key=lambda one: -one.level.rank)
        level = ordered[0].level if ordered else Level.HEALTHY
        return cls(level, tuple(ordered), tuple(unknown), checked_at)

    def line(self) -> str:
        """Return the verdict and all of its reasons as one line."""
        reasons = " ".join(one.text for one in self.problems)
        return f"{self.level}: {reasons}" if reasons else str(self.level)

    def as_json(self) -> dict[str, Any]:
        """Return the documented fields; times are datetimes."""
        return asdict(self)
