"""The answers that are on screen, so that a view's details and tables are of the same moment.

An erasure, by whichever process, makes them invalid: what was erased is shown nowhere.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from threading import Lock
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from analytics.audit import last_erasure
from analytics.snapshots import in_snapshot
from dashboard.language.words import current_viewing
from dashboard.trends.answers import Answer, answer
from dashboard.trends.view import View

CACHE_S: Final = 60.0
"""The time that an answer is kept; a view that follows time is refreshed twice as often."""
_MAX_ANSWERS: Final = 16


@dataclass(frozen=True, slots=True)
class _Kept:
    """erasure: the number of the latest erasure before the answer."""

    asked_at_s: float
    erasure: int | None
    answer: Answer


@dataclass(slots=True)
class AnswerCache:
    """Answers by view, time zone and language. Threads may share it."""

    clock: Callable[[], float] = time.monotonic
    _answers: OrderedDict[tuple[View, str, str], _Kept] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def ask(self, engine: Engine, view: View, zone: tzinfo, now: datetime) -> Answer:
        """Ask the read API, and keep the answer. Raises MoodlineError."""
        kept = in_snapshot(engine, self._answer, view, zone, now)
        with self._lock:
            self._answers[_key(view, zone)] = kept
            self._answers.move_to_end(_key(view, zone))
            while len(self._answers) > _MAX_ANSWERS:
                self._answers.popitem(last=False)
        return kept.answer

    def latest(self, engine: Engine, view: View, zone: tzinfo, now: datetime) -> Answer:
        """Return the answer on screen; without one, ask. Raises MoodlineError."""
        with self._lock:
            kept = self._answers.get(_key(view, zone))
        is_fresh = kept is not None and self.clock() - kept.asked_at_s < CACHE_S
        if kept is not None and is_fresh and in_snapshot(engine, last_erasure) == kept.erasure:
            return kept.answer
        return in_snapshot(engine, answer, view, zone, now)

    def _answer(self, connection: Connection, view: View, zone: tzinfo, now: datetime) -> _Kept:
        found = answer(connection, view, zone, now)
        return _Kept(self.clock(), last_erasure(connection), found)


def _key(view: View, zone: tzinfo) -> tuple[View, str, str]:
    return view, str(zone), current_viewing().language


_caches: WeakKeyDictionary[Engine, AnswerCache] = WeakKeyDictionary()


def answer_cache(engine: Engine) -> AnswerCache:
    """Return the cache for the records of an engine: the page's callbacks and routes share it."""
    return _caches.setdefault(engine, AnswerCache())
