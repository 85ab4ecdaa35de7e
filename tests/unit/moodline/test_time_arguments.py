"""Times and ranges from the command line: parsed to UTC, or refused in one line."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.errors import SettingsError
from moodline.terminal.time_arguments import (
    parse_duration,
    parse_range,
    parse_time,
    range_line,
)

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def parsed(
    since: str | None = None, until: str | None = None, last: str = "24h"
) -> tuple[datetime, datetime]:
    return parse_range(since, until, last, zone=BERLIN, now=NOW)


def test_a_range_ends_now_if_no_end_is_given() -> None:
    assert parsed(last="7d") == (NOW - timedelta(days=7), NOW)
    assert parsed(until="2026-11-20T00:00Z")[0] == datetime(2026, 11, 19, tzinfo=UTC)


def test_times_without_an_offset_are_in_the_viewers_zone() -> None:
    begin, end = parsed("2026-07-01T09:00", "2026-12-01T09:00+05:00")
    assert begin == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert end == datetime(2026, 12, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "last"), [(None, "999999w"), ("0001-01-01", "24h"), ("yesterday", "24h")]
)
def test_an_impossible_range_is_refused(since: str | None, last: str) -> None:
    with pytest.raises(SettingsError):
        parsed(since, None, last)


def test_an_invalid_duration_is_named_with_its_option_and_an_example() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_duration("5x", "--last")
    assert refused.value.line() == (
        "invalid duration '5x' for --last. Use for example 30m, 12h or 7d"
    )


def test_a_range_is_echoed_in_the_zone_in_which_it_was_read() -> None:
    begin, end = (parse_time(text, "--from", BERLIN) for text in ("2026-07-01T09:00", "2026-12-01"))
    line = "Captured from 2026-07-01 09:00:00 to 2026-12-01 00:00:00 (Europe/Berlin)."
    assert range_line(begin, end, BERLIN) == line
    assert range_line(begin.astimezone(UTC), end, BERLIN) == line
    assert range_line(None, None, BERLIN) == ""
