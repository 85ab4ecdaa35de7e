"""The times of jobs: intervals and cron expressions."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics.scheduling.times import cron, every
from contracts.errors import SettingsError


@pytest.mark.parametrize("seed", range(5))
def test_the_latest_time_is_the_last_of_all_due_times(seed: int) -> None:
    chance = random.Random(seed)
    begin = datetime(2026, 3, 28, 20, tzinfo=UTC)
    times = [every(7), every(3600), cron("*/5 1-3 * * *", ZoneInfo("Europe/Berlin"))]
    for one in times:
        after = begin + timedelta(seconds=chance.randrange(40_000))
        now = after + timedelta(seconds=chance.randrange(20_000))
        due, latest = one.next_after(after), None
        while due is not None and due <= now:
            latest, due = due, one.next_after(due)
        assert one.latest(after, now) == latest


@pytest.mark.parametrize("wrong", ["61 * * * *", "0 0 * * 8", "0 0 * * mo", "0 0 * * */0", "", "x"])
def test_an_invalid_cron_expression_is_a_settings_error(wrong: str) -> None:
    with pytest.raises(SettingsError, match="not a valid cron expression"):
        cron(wrong)


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("1-5", "mon tue wed thu fri"),
        ("0", "sun"),
        ("7", "sun"),
        ("5-7", "fri sat sun"),
        ("0,3", "wed sun"),
        ("mon-fri/2", "mon wed fri"),
        ("FRI-mon", "mon fri sat sun"),
        ("*/3", "wed sat sun"),
        ("4/2", "thu sat"),
        ("*", "mon tue wed thu fri sat sun"),
    ],
)
def test_weekday_fields_have_the_meaning_of_cron(field: str, days: str) -> None:
    due: datetime | None = datetime(2026, 11, 22, 23, tzinfo=UTC)  # A Sunday.
    found = set()
    for _ in range(7):
        assert due is not None
        due = cron(f"0 20 * * {field}").next_after(due)
        assert due is not None and due.hour == 20
        found.add(due.weekday())
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert " ".join(names[day] for day in sorted(found)) == days
