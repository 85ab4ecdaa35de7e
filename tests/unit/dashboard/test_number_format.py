"""Numbers and dates follow the viewer's locale; none is rounded to zero or to the whole."""

from collections.abc import Iterator
from contextvars import copy_context
from datetime import UTC, datetime

import pytest

from dashboard.language.offered import viewing
from dashboard.language.words import set_viewing
from dashboard.web.number_format import (
    count,
    date_format,
    duration,
    in_locale,
    listed,
    local_time,
    percent,
    person_time,
    points,
    separators,
    signed,
)

AT = datetime(2026, 11, 20, 8, 5, tzinfo=UTC)


def written(tag: str) -> list[str]:
    """Format in a context of its own, as in a request."""

    def write() -> Iterator[str]:
        set_viewing(viewing("", tag))
        yield local_time(AT, UTC, 60)
        yield count(22757)
        yield signed(-0.09)
        yield person_time(5400)
        yield person_time(9000)
        yield separators()
        yield date_format("MMMEd")
        yield listed(["café", "library"])

    return copy_context().run(lambda: list(write()))


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de-DE", ["Fr., 20. Nov. 08:05", "22.757", "−0,09"]),
        ("en-US", ["Fri, Nov 20 08:05", "22,757", "−0.09"]),
        ("en-GB", ["Fri 20 Nov 08:05", "22,757", "−0.09"]),
    ],
)
def test_dates_and_numbers_follow_the_locale(tag: str, expected: list[str]) -> None:
    assert written(tag)[:3] == expected


def test_plotly_gets_the_separators_and_date_order_of_the_locale() -> None:
    assert written("de-DE")[5:7] == [",.", "%a, %-d. %b"]
    assert written("en-US")[5:7] == [".,", "%a, %b %-d"]
    assert written("de-DE")[3:5] == ["90 Personenminuten", "2,5 Personenstunden"]


@pytest.mark.parametrize(
    "tag", ["", "x", "no-such-language-at-all", "xx-DE" * 20, "../etc", "\x00"]
)
def test_an_unknown_language_tag_changes_nothing(tag: str) -> None:
    assert written(tag) == written("en-GB")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0), "0 %"),
        (percent(0.001), "<1 %"),
        (percent(0.999), ">99 %"),
        (percent(1), "100 %"),
        (points(0.01), "+1 point"),
        (points(-0.031), "−3 points"),
        (points(0.001), "±0 points"),
        (duration(59), "59 s"),
        (duration(3600), "1 h"),
        (duration(5400), "90 min"),
        (duration(86_400), "1 day"),
        (duration(7 * 86_400), "7 days"),
        (person_time(0), "0 person-seconds"),
        (person_time(0.01), "<0.1 person-seconds"),
        (person_time(1), "1 person-second"),
        (person_time(2460), "41 person-minutes"),
        (person_time(9000), "2.5 person-hours"),
        (person_time(36_000_000), "10,000 person-hours"),
    ],
)
def test_amounts_have_a_fitting_unit_and_are_never_rounded_away(text: str, expected: str) -> None:
    assert text == expected


def test_names_are_listed_as_in_a_sentence() -> None:
    assert [written(tag)[7] for tag in ("en-GB", "de-DE")] == [
        "café and library",
        "café und library",
    ]


def test_numbers_of_other_packages_follow_the_locale_and_addresses_do_not() -> None:
    def write() -> list[str]:
        set_viewing(viewing("de", ""))
        return [in_locale(one) for one in ("2.43", "5.5 GB", "31 %", "10.0.0.5", "unknown")]

    assert copy_context().run(write) == ["2,43", "5,5 GB", "31 %", "10.0.0.5", "unknown"]
