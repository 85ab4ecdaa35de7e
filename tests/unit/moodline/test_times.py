"""Moments and ranges as people type them become UTC, or one line that says why not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from contracts.errors import SettingsError
from moodline.terminal.time_arguments import parse_range

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def parsed(
    since: str | None = None, until: str | None = None, last: str = "24h"
) -> tuple[datetime, datetime]:
    return parse_range(since, until, last, zone=BERLIN, now=NOW)


def test_a_range_ends_now_unless_it_says_when() -> None:
    assert parsed(last="7d") == (NOW - timedelta(days=7), NOW)
    assert parsed(until="2026-11-20T00:00Z")[0] == datetime(2026, 11, 19, tzinfo=UTC)


def test_what_has_no_offset_is_on_the_clock_that_is_shown() -> None:
    begin, end = parsed("2026-07-01T09:00", "2026-12-01T09:00+05:00")
    assert begin == datetime(2026, 7, 1, 7, tzinfo=UTC)
    assert end == datetime(2026, 12, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "last"), [(None, "999999w"), ("0001-01-01", "24h"), ("yesterday", "24h")]
)
def test_what_is_no_range_is_one_line(since: str | None, last: str) -> None:
    with pytest.raises(SettingsError):
        parsed(since, None, last)
