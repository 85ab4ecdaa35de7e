"""The answer on screen is read again for its details, for a minute at most."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from dashboard.trends import answer_cache
from dashboard.trends.answer_cache import CACHE_S, AnswerCache
from dashboard.trends.view import View
from records.database import open_engine

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
VIEW, OTHER = View(), View("now-7d")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine without records; each question gets a new object as its answer."""

    def ask(*_question: Any) -> object:
        return object()

    monkeypatch.setattr(answer_cache, "answer", ask)
    monkeypatch.setattr(answer_cache, "last_erasure", lambda _connection: 1)
    return open_engine("sqlite://")


def test_details_get_the_answer_that_the_page_got(engine: Engine) -> None:
    clock = Clock()
    cache = AnswerCache(clock)
    shown = cache.ask(engine, VIEW, UTC, NOW)
    assert cache.latest(engine, VIEW, UTC, NOW) is shown
    assert cache.latest(engine, OTHER, UTC, NOW) is not shown
    assert cache.ask(engine, VIEW, UTC, NOW) is not shown, "a refresh asks again"


def test_an_answer_expires_after_a_minute(engine: Engine) -> None:
    clock = Clock()
    cache = AnswerCache(clock)
    shown = cache.ask(engine, VIEW, UTC, NOW)
    clock.now += CACHE_S - 1
    assert cache.latest(engine, VIEW, UTC, NOW) is shown
    clock.now += 1
    assert cache.latest(engine, VIEW, UTC, NOW) is not shown


def test_an_answer_that_no_page_shows_is_not_kept(engine: Engine) -> None:
    cache = AnswerCache(Clock())
    first = cache.latest(engine, VIEW, UTC, NOW)
    assert cache.latest(engine, VIEW, UTC, NOW) is not first


def test_an_erasure_by_any_process_makes_the_answers_invalid(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = AnswerCache(Clock())
    shown = cache.ask(engine, VIEW, UTC, NOW)
    monkeypatch.setattr(answer_cache, "last_erasure", lambda _connection: 2)
    assert cache.latest(engine, VIEW, UTC, NOW) is not shown


def test_the_number_of_answers_is_limited(engine: Engine) -> None:
    cache = AnswerCache(Clock())
    shown = cache.ask(engine, VIEW, UTC, NOW)
    for hours in range(1, 17):
        cache.ask(engine, View(f"now-{hours}h"), UTC, NOW)
    assert cache.latest(engine, VIEW, UTC, NOW) is not shown


def test_callbacks_and_routes_share_the_cache_of_an_engine(engine: Engine) -> None:
    assert answer_cache.answer_cache(engine) is answer_cache.answer_cache(engine)
    assert answer_cache.answer_cache(open_engine("sqlite://")) is not (
        answer_cache.answer_cache(engine)
    )
