"""Numbers and dates are those of the viewer's locale."""

from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, datetime

import pytest

from dashboard.web.number_format import (
    count,
    date_format,
    enter_locale,
    local_time,
    person_time,
    separators,
    signed,
)

AT = datetime(2026, 11, 20, 8, 5, tzinfo=UTC)


def written(tag: str) -> list[str]:
    """In a context of its own, as a request is."""

    def write() -> Iterator[str]:
        enter_locale(tag)
        yield local_time(AT, UTC, 60)
        yield count(22757)
        yield signed(-0.09)
        yield person_time(5400)
        yield person_time(9000)
        yield separators()
        yield date_format("MMMEd")

    return copy_context().run(lambda: list(write()))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de-DE", ["Fr., 20. Nov. 08:05", "22.757", "−0,09"]),
        ("en-US", ["Fri, Nov 20 08:05", "22,757", "−0.09"]),
        ("en-GB", ["Fri 20 Nov 08:05", "22,757", "−0.09"]),
    ],
)
def test_dates_and_numbers_are_the_locales(tag: str, expected: list[str]) -> None:
    assert written(tag)[:3] == expected


def test_what_plotly_is_told() -> None:
    assert written("de-DE")[5:] == [",.", "%a, %-d. %b"]
    assert written("en-US")[5:] == [".,", "%a, %b %-d"]
    assert written("de-DE")[3:5] == ["90 person-minutes", "2,5 person-hours"]


@pytest.mark.parametrize(
    "tag", ["", "x", "no-such-language-at-all", "de-DE" * 20, "../etc", "\x00"]
)
def test_no_language_changes_nothing(tag: str) -> None:
    assert written(tag) == written("en-GB")
