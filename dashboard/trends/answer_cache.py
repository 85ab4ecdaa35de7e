"""The answers that are on screen, so that a view's details and tables are of the same moment."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from analytics.snapshots import in_snapshot
from dashboard.trends.answers import Answer, answer
from dashboard.trends.view import View

CACHE_S: Final = 60.0
"""The time that an answer is kept; a view that follows time is refreshed twice as often."""
_MAX_ANSWERS: Final = 16


@dataclass(slots=True)
class AnswerCache:
    """Answers by view and time zone. Threads may share it."""

    clock: Callable[[], float] = time.monotonic
    _answers: OrderedDict[tuple[View, str], tuple[float, Answer]] = field(
        default_factory=OrderedDict
    )
    _lock: Lock = field(default_factory=Lock)

    def ask(self, engine: Engine, view: View, zone: tzinfo, now: datetime) -> Answer:
        """Ask the read API, and keep the answer. Raises MoodlineError."""
        found = in_snapshot(engine, answer, view, zone, now)
        with self._lock:
            self._answers[view, str(zone)] = self.clock(), found
            self._answers.move_to_end((view, str(zone)))
            while len(self._answers) > _MAX_ANSWERS:
                self._answers.popitem(last=False)
        return found

    def latest(self, engine: Engine, view: View, zone: tzinfo, now: datetime) -> Answer:
        """Return the answer on screen; without one, ask. Raises MoodlineError."""
        with self._lock:
            asked_at_s, found = self._answers.get((view, str(zone)), (0.0, None))
        if found is not None and self.clock() - asked_at_s < CACHE_S:
            return found
        return in_snapshot(engine, answer, view, zone, now)


_caches: WeakKeyDictionary[Engine, AnswerCache] = WeakKeyDictionary()


def answer_cache(engine: Engine) -> AnswerCache:
    """Return the cache for the records of an engine: the page's callbacks and routes share it."""
    return _caches.setdefault(engine, AnswerCache())
