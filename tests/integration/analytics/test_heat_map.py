"""Heat maps of many weeks, whose sums are kept: they follow what is written and removed."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, delete, insert

from analytics.history.hours_of_week import hour_sums, kept_weeks
from analytics.history.hours_of_week.heat_map import HeatCell, heat_map
from analytics.snapshots import in_snapshot
from contracts.times import to_micros, utc_now
from records.database import transaction
from records.rollups.sums import add_sums
from records.rollups.windows import WIDTHS, window_start
from records.tables.rollups import rollups
from records.tables.sources import Source

BEGIN = datetime(2026, 1, 1, 5, 40, tzinfo=UTC)
SPAN = (BEGIN, BEGIN + timedelta(days=160))
"""Berlin's clocks change in it."""
BERLIN, KATHMANDU = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")
SUMS = ("happy_ms", "uncertain_ms", "static_ms", "tentative_ms", "frames", "analyzed_ms")


@dataclass
class Site:
    """Two sources, and the sums of their minutes."""

    engine: Engine
    sums: dict[tuple[int, datetime], dict[str, int]] = field(default_factory=dict)

    def write(self, source_pk: int, at: datetime, chance: random.Random) -> None:
        """Write a minute, and add it to the windows above."""
        sums = {name: chance.randrange(1, 60_000) for name in SUMS}
        self.sums[source_pk, at] = sums
        rows = [
            {
                **{"source_pk": source_pk, "width_s": width_s, "part": 0, "folded_at": utc_now()},
                **{"start": window_start(to_micros(at), width_s), **sums},
            }
            for width_s in WIDTHS
        ]
        with transaction(self.engine) as connection:
            add_sums(connection, rows)

    def remove(self, day: datetime) -> None:
        """Remove all windows of a UTC day."""
        since, until = day, day + timedelta(days=1)
        self.sums = {key: one for key, one in self.sums.items() if not since <= key[1] < until}
        with transaction(self.engine) as connection:
            connection.execute(
                delete(rollups).where(
                    rollups.c.start >= to_micros(since), rollups.c.start < to_micros(until)
                )
            )

    def expected(self, zone: tzinfo) -> dict[tuple[int, int], dict[str, int]]:
        """Return the sums by hour of the week, added up minute by minute."""
        found: dict[tuple[int, int], dict[str, int]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
        for (_, at), sums in self.sums.items():
            local = at.astimezone(zone)
            for name in SUMS:
                found[local.weekday(), local.hour][name] += sums[name]
        return dict(found)

    def check(self, zone: tzinfo) -> None:
        """Assert that the heat map is that of the minutes."""
        cells = in_snapshot(self.engine, heat_map, *SPAN, zone)
        assert {(one.weekday, one.hour): _sums(one) for one in cells} == self.expected(zone)
        latest = {
            (local.weekday(), local.hour): local
            for local in sorted(at.astimezone(zone) for _, at in self.sums)
        }
        for one in cells:
            last = latest[one.weekday, one.hour]
            assert one.latest == last.replace(minute=0)


def _sums(cell: HeatCell) -> dict[str, int]:
    found = cell.measures
    seconds = {
        "happy_ms": found.person_s["happy"],
        "uncertain_ms": found.person_s["uncertain"],
        "static_ms": found.static_s,
        "tentative_ms": found.tentative_s,
        "analyzed_ms": found.analyzed_s,
    }
    return {name: round(one * 1000) for name, one in seconds.items()} | {"frames": found.frames}


@pytest.fixture
def site(engine: Engine) -> Site:
    with transaction(engine) as connection:
        for pk in (1, 2):
            row = {"id": pk, "name": f"door{pk}", "kind": "live", "created_at": BEGIN}
            connection.execute(insert(Source).values(**row))
    return Site(engine)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[range]]:
    """The ranges of weeks that are read from the database."""
    found: list[range] = []
    read = kept_weeks._read

    def noted(connection: Connection, reader: hour_sums.HourSums, weeks: range, *more: Any) -> Any:
        found.append(weeks)
        return read(connection, reader, weeks, *more)

    monkeypatch.setattr(kept_weeks, "_read", noted)
    yield found


@pytest.mark.both_databases
@pytest.mark.parametrize("zone", [UTC, BERLIN, KATHMANDU], ids=str)
def test_it_follows_what_is_written_and_removed(
    site: Site, reads: list[range], zone: tzinfo
) -> None:
    chance = random.Random(26)

    def some_minute() -> datetime:
        return BEGIN + timedelta(minutes=chance.randrange(20, 160 * 24 * 60 - 20))

    for _ in range(120):
        site.write(chance.randrange(1, 3), some_minute(), chance)
    site.check(zone)
    assert sum(map(len, reads)) >= 20
    reads.clear()
    site.check(zone)
    assert reads == [], "nothing has changed"
    for _ in range(4):
        at = some_minute()
        site.write(chance.randrange(1, 3), at, chance)
        site.check(zone)
        assert sum(map(len, reads)) <= 2, "the weeks that touch the changed day"
        reads.clear()
        site.remove(at.replace(hour=0, minute=0))
        site.check(zone)
        reads.clear()


def test_weeks_are_kept_for_each_clock_and_the_oldest_are_dropped(
    site: Site, reads: list[range], monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(1)
    for day in range(1, 150, 3):
        site.write(1, BEGIN + timedelta(days=day), chance)
    monkeypatch.setattr(kept_weeks, "MAX_WEEKS", 30)
    site.check(UTC)
    site.check(KATHMANDU)
    reads.clear()
    site.check(KATHMANDU)
    assert reads == []
    site.check(UTC)
    assert sum(map(len, reads)) > 10
    assert len(kept_weeks.kept_weeks(site.engine)._weeks) == 30
