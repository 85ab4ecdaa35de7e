"""Given late data, restarts, kills and two schedulers, each alert fires and ends exactly once."""

import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, func, insert, select, update

from analytics.alerts import round as rounds
from analytics.alerts.round import CATCH_UP, run_round
from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from contracts.alerts.events import EventKind, Reason
from contracts.alerts.measures import DISK
from contracts.alerts.rule import AlertRule
from contracts.alerts.week_hours import WeekHours
from contracts.live_sources import LiveState
from contracts.times import utc_now
from records.alerts import rounds as stored_rounds
from records.alerts.events import EventFilter, count_open, list_events, open_alerts
from records.alerts.rules import add_rule, edit_rule, list_rules, mute_rule, remove_rule
from records.database import reading, transaction
from records.sources.sealing import Sealer
from records.tables.alerts import StoredDelivery, StoredRule, StoredState
from records.tables.sources import Source, SourceInterval
from tests.alerts import (
    MINUTE,
    add_source,
    add_webhook,
    events,
    mark_waiting,
    no_measures,
    rule,
    write_minute,
)
from tests.e2e.warm import start_warm

START = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
"""An hour before Berlin's clocks go back."""
ANGRY = {"angry": 40.0, "happy": 20.0}
HAPPY = {"happy": 60.0}


class KilledError(Exception):
    """Raised in the place of a kill."""


@dataclass
class World:
    """A source with a random history of which parts come late, and what a rule must say of it."""

    rule: AlertRule
    chance: random.Random
    values: dict[datetime, Mapping[str, float]] = field(default_factory=dict)
    visible: dict[datetime, datetime] = field(default_factory=dict)

    def make(self, minutes: int) -> None:
        angry = False
        for number in range(minutes):
            begin = START + number * MINUTE
            angry ^= self.chance.random() < 0.15
            if self.chance.random() < 0.1:
                continue  # Nothing was analysed.
            self.values[begin] = ANGRY if angry else HAPPY
            late = self.chance.choice([2, 2, 2, 2, 5, 60, 300, 1200])
            self.visible[begin] = begin + MINUTE + timedelta(seconds=late)

    def model(self, round_times: list[datetime]) -> list[tuple[str, datetime]]:
        """The events of each round, looked up minute by minute."""
        found: list[tuple[str, datetime]] = []
        window = timedelta(seconds=self.rule.window_s)
        moment = START
        for now in round_times:
            while (moment := moment + MINUTE) <= now - timedelta(seconds=20):
                begins = [moment - window + n * MINUTE for n in range(window // MINUTE)]
                if moment > now - timedelta(minutes=10) and any(
                    begin in self.values and begin < now and self.visible[begin] > now
                    for begin in begins
                ):
                    break
                self._say(found, moment, [one for one in begins if self._is_visible(one, now)])
            moment -= MINUTE
        return found

    def _is_visible(self, begin: datetime, now: datetime) -> bool:
        return begin in self.values and self.visible[begin] <= now

    def _say(self, found: list[tuple[str, datetime]], at: datetime, begins: list[datetime]) -> None:
        is_open = bool(found) and found[-1][0] == EventKind.FIRED
        window = timedelta(seconds=self.rule.window_s)
        minutes = [at - window + n * MINUTE for n in range(window // MINUTE)]
        if not all(self.rule.hours.contain(one) for one in minutes):
            if is_open:
                found.append((EventKind.RESOLVED, at))
            return
        expected_s = (at - max(at - window, START)).total_seconds()
        if not begins or len(begins) * 60 / expected_s < self.rule.min_coverage:
            return
        total = sum(sum(self.values[one].values()) for one in begins)
        share = sum(self.values[one].get("angry", 0.0) for one in begins) / total
        if is_open and share <= (self.rule.clears_at or 0.0):
            found.append((EventKind.RESOLVED, at))
        elif not is_open and share > self.rule.condition.limit:
            last = max((one for kind, one in found if kind == EventKind.FIRED), default=None)
            if last is None or (at - last).total_seconds() >= self.rule.cooldown_s:
                found.append((EventKind.FIRED, at))


@pytest.mark.parametrize("seed", [0, 1, 2, pytest.param(3, marks=pytest.mark.both_databases)])
def test_random_histories_give_what_the_model_says(
    engine: Engine, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(seed)
    hours = WeekHours.parse("sun 01:00-02:20; sun 02:40-23:00", "Europe/Berlin")
    tried = rule(
        window_s=60 * chance.choice([1, 3, 5]),
        clears_at=0.2,
        cooldown_s=60 * chance.choice([0, 0, 15]),
        min_person_s=0.0,
        hours=hours if seed % 2 else WeekHours(),
    )
    world = World(tried, chance)
    world.make(150)
    source_pk = add_source(engine, "door", START)
    add_rule(engine, tried, now=START)
    kills = _killing(chance, monkeypatch)
    waiting = sorted(world.values)
    marked: set[datetime] = set()
    now, times = START, []
    while now < START + 170 * MINUTE:
        now += timedelta(seconds=chance.choice([10, 10, 30, 95, 700]))
        begun = [one for one in waiting if one < now and one not in marked]
        mark_waiting(engine, source_pk, begun)
        marked |= set(begun)
        for begin in [one for one in waiting if world.visible[one] <= now]:
            write_minute(engine, source_pk, begin, world.values[begin])
            waiting.remove(begin)
        times.append(now)
        for _scheduler in range(2):
            while True:
                try:
                    run_round(engine, no_measures, now)
                    break
                except KilledError:
                    continue
    assert kills["done"] > 5
    assert [(kind, at) for kind, _, at in events(engine)] == world.model(times)


def _killing(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    done = {"done": 0}

    def failpoint(_name: str) -> None:
        if chance.random() < 0.2:
            done["done"] += 1
            raise KilledError

    monkeypatch.setattr(rounds, "failpoint", failpoint)
    monkeypatch.setattr(stored_rounds, "failpoint", failpoint)
    return done


def angry_source(engine: Engine, minutes: int = 10) -> int:
    source_pk = add_source(engine, "door", START)
    for number in range(minutes):
        write_minute(engine, source_pk, START + number * MINUTE, ANGRY)
    return source_pk


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["alert-decided", "alert-before-commit", "alert-after-commit"])
def test_a_kill_neither_loses_nor_doubles_an_alert(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    angry_source(engine)
    add_rule(engine, rule(), now=START)
    add_webhook(engine, Sealer("k" * 16, tmp_path_factory.mktemp("home")), "http://127.0.0.1:1/")
    url = engine.url.render_as_string(hide_password=False)
    now = (START + 11 * MINUTE).isoformat()
    for armed in (f"{name}:1", ""):
        process = start_warm("tests.alert_process", url, now, *([armed] if armed else []))
        process.join(60)
        assert process.exitcode == (-9 if armed else 0)
    assert [kind for kind, _, _ in events(engine)] == [EventKind.FIRED]
    with reading(engine) as connection:
        assert connection.execute(select(func.count(StoredDelivery.id))).scalar() == 1
        assert count_open(connection) == 1


@pytest.mark.both_databases
def test_two_schedulers_at_once_write_each_event_once(engine: Engine) -> None:
    source_pk = add_source(engine, "door", START)
    for number in range(40):
        write_minute(engine, source_pk, START + number * MINUTE, HAPPY if number % 4 else ANGRY)
    for number in range(5):
        add_rule(engine, rule(name=f"rule {number}", window_s=60), now=START)
    both = Barrier(2)

    def evaluate(_number: int) -> None:
        for minute in range(2, 42, 4):
            both.wait()
            run_round(engine, no_measures, START + minute * MINUTE)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(evaluate, range(2)))
    found = events(engine)
    assert len(found) == 5 * 19 and len({(one, at) for one, _, at in found}) == 19


def test_a_scheduler_that_comes_back_evaluates_the_last_day(engine: Engine) -> None:
    source_pk = add_source(engine, "door", START)
    add_rule(engine, rule(window_s=60), now=START)
    now = START + timedelta(days=3)
    for begin in (START + MINUTE, now - timedelta(hours=5)):
        write_minute(engine, source_pk, begin, ANGRY)
        write_minute(engine, source_pk, begin + MINUTE, HAPPY)
    run_round(engine, no_measures, now)
    fired = now - timedelta(hours=5) + MINUTE
    assert [(kind, at) for kind, _, at in events(engine)] == [
        (EventKind.FIRED, fired),
        (EventKind.RESOLVED, fired + MINUTE),
    ]
    assert fired > now - CATCH_UP


def test_a_source_that_is_away_fires_and_its_return_ends_it(engine: Engine) -> None:
    source_pk = add_source(engine, "door", START)
    add_rule(engine, rule("away > 2m", window_s=0), now=START)
    write_state(engine, source_pk, LiveState.STREAMING, 0, 5)
    for seconds in range(0, 900, 10):
        if seconds == 600:
            write_state(engine, source_pk, LiveState.STREAMING, 9.5, 15)
        run_round(engine, no_measures, START + timedelta(seconds=seconds))
    (fired, fired_at), (ended, ended_at) = [(kind, at) for kind, _, at in events(engine)]
    assert (fired, ended) == (EventKind.FIRED, EventKind.RESOLVED)
    assert fired_at == START + timedelta(minutes=7, seconds=10)
    assert ended_at == START + timedelta(minutes=9, seconds=50)


def test_a_paused_source_is_not_away(engine: Engine) -> None:
    source_pk = add_source(engine, "door", START)
    add_rule(engine, rule("away > 2m", window_s=0), now=START)
    write_state(engine, source_pk, LiveState.PAUSED, 1, 2)
    with transaction(engine) as connection:
        connection.execute(update(Source).values(paused=True))
    for seconds in range(0, 900, 10):
        run_round(engine, no_measures, START + timedelta(seconds=seconds))
    assert events(engine) == []


def write_state(
    engine: Engine, source_pk: int, state: LiveState, since: float, until: float
) -> None:
    row = {"source_pk": source_pk, "state": state, "reason": ""}
    times = {"since": START + since * MINUTE, "until": START + until * MINUTE}
    with transaction(engine) as connection:
        connection.execute(insert(SourceInterval).values(row | times))


def test_a_measure_of_the_system_must_last(engine: Engine) -> None:
    add_rule(engine, rule("disk < 5GB", window_s=60), now=START)
    free = {DISK: 4.0}
    for seconds in range(10, 200, 10):
        free[DISK] = 9.0 if seconds == 150 else 4.0
        run_round(engine, lambda: free, START + timedelta(seconds=seconds))
    assert [(kind, source) for kind, source, _ in events(engine)] == [
        (EventKind.FIRED, ""),
        (EventKind.RESOLVED, ""),
    ]
    assert events(engine)[0][2] == START + timedelta(seconds=70)


@pytest.mark.both_databases
def test_an_edit_and_a_removal_end_open_alerts(engine: Engine) -> None:
    angry_source(engine)
    now = START + 11 * MINUTE
    add_rule(engine, rule(name="one"), now=START)
    add_rule(engine, rule(name="two"), now=START)
    run_round(engine, no_measures, now)
    edit_rule(engine, "one", rule("happy > 90%", name="renamed"), now=now)
    remove_rule(engine, "two", now=now)
    with reading(engine) as connection:
        ended = list_events(connection, EventFilter(kinds=[EventKind.RESOLVED]))
        assert [one.details.reason for one in ended] == [Reason.REMOVED, Reason.CHANGED]
        assert open_alerts(connection) == []
        assert [one.rule.name for one in list_rules(connection)] == ["renamed"]
        assert connection.execute(select(func.count(StoredState.rule_pk))).scalar() == 0


def test_an_alert_ends_when_its_source_is_removed(engine: Engine) -> None:
    angry_source(engine)
    add_rule(engine, rule(), now=START)
    run_round(engine, no_measures, START + 8 * MINUTE)
    with transaction(engine) as connection:
        connection.execute(update(Source).values(removed_at=START + 9 * MINUTE))
    run_round(engine, no_measures, START + 11 * MINUTE)
    with reading(engine) as connection:
        last, first = list_events(connection, EventFilter())
    assert last.details.reason is Reason.SOURCE and last.opened_by == first.pk
    assert last.source == "door"


def test_a_clock_that_was_set_back_silences_no_rule(engine: Engine) -> None:
    """Its moments come again: the second event of one stands right after the first."""
    add_rule(engine, rule("disk < 5GB", window_s=0, cooldown_s=3600), now=START)
    for hours in (3, 0, 0):
        if not hours:
            with transaction(engine) as connection:
                later = START + timedelta(hours=9)
                connection.execute(update(StoredRule).values(evaluated_until=later))
        for seconds, free_gb in ((10, 4.0), (20, 9.0), (30, 4.0)):
            now = START + timedelta(hours=hours, seconds=seconds)
            run_round(engine, lambda gb=free_gb: {DISK: gb}, now)  # type: ignore[misc]
    again = START + timedelta(seconds=30)
    assert [(kind, at) for kind, _, at in events(engine)] == [
        (EventKind.FIRED, START + timedelta(hours=3, seconds=10)),
        (EventKind.RESOLVED, START + timedelta(hours=3, seconds=20)),
        (EventKind.FIRED, again),
        (EventKind.RESOLVED, START + timedelta(seconds=20)),
        (EventKind.FIRED, again + timedelta(microseconds=1)),
    ]


def test_a_muted_rule_writes_events_and_delivers_none(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory
) -> None:
    angry_source(engine)
    add_webhook(engine, Sealer("k" * 16, tmp_path_factory.mktemp("home")), "http://127.0.0.1:1/")
    add_rule(engine, rule(), now=START)
    mute_rule(engine, "test", utc_now() + timedelta(hours=1))
    run_round(engine, no_measures, START + 11 * MINUTE)
    assert len(events(engine)) == 1
    mute_rule(engine, "test", None)
    # Its end is not delivered, either: nobody has heard of the alert.
    remove_rule(engine, "test", now=START + 12 * MINUTE)
    assert len(events(engine)) == 2
    with reading(engine) as connection:
        assert connection.execute(select(func.count(StoredDelivery.id))).scalar() == 0


@pytest.mark.both_databases
def test_an_erasure_of_a_time_deletes_what_was_said_of_its_people(engine: Engine) -> None:
    source_pk = add_source(engine, "door", START)
    add_source(engine, "hall", START)
    for number, label_s in enumerate([ANGRY, HAPPY] * 5):
        write_minute(engine, source_pk, START + number * MINUTE, label_s)
    add_rule(engine, rule(window_s=60), now=START)
    add_rule(engine, rule("away > 2m", name="away", window_s=0), now=START)
    run_round(engine, no_measures, START + 11 * MINUTE)
    before = events(engine)
    until = START + 4 * MINUTE
    erase(engine, ErasureScope("door", None, START, until), actor="test")
    kept = [one for one in before if one[1] == "hall" or one[2] > until or _is_away(one)]
    assert events(engine) == kept and len(kept) < len(before)
    erase(engine, ErasureScope("door"), actor="test")
    assert {source for _, source, _ in events(engine)} <= {"door", "hall"}
    with reading(engine) as connection:
        alerts = open_alerts(connection)
    assert {one.details.measure for one in alerts} == {"away"}


def _is_away(event: tuple[str, str, datetime]) -> bool:
    """Whether it is of the rule about being away, whose moments are no whole minutes."""
    return event[2].second != 0
