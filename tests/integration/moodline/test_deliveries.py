"""Given a receiver that fails, hangs, redirects and comes back, it gets each event, in order."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select, update

from contracts.alerts.events import DeliveryState, EventDetails, EventKind, TargetKind
from contracts.alerts.rule import Severity
from contracts.alerts.target import AlertTarget
from contracts.errors import AlertError
from contracts.settings import Settings
from contracts.times import utc_now
from moodline.delivery.deliverer import Delivered, Deliverer
from moodline.delivery.messages import Message
from moodline.delivery.retries import GIVE_UP_AFTER, MAX_REFUSALS, Outcome
from moodline.delivery.senders import sender
from moodline.delivery.webhook import send_webhook
from moodline.services.scheduled_jobs import scheduled_jobs
from records.alerts import outbox
from records.alerts.event_log import NewEvent, write_event
from records.alerts.events import KnownDelivery, list_deliveries
from records.alerts.outbox import claim_target
from records.alerts.replays import replay_deliveries
from records.alerts.rules import add_rule
from records.alerts.silent_targets import silent_targets
from records.alerts.targets import (
    add_target,
    enable_target,
    find_target,
    list_targets,
    new_secret,
    queue_test,
    remove_target,
)
from records.database import reading, transaction
from records.sources.sealing import Sealer
from records.tables.alerts import AlertEvent, StoredDelivery, StoredTarget
from tests.alerts import add_webhook, rule
from tests.mqtt_broker import MqttBroker, MqttListener
from tests.webhook_receiver import CUT, HANG, Receiver, webhook_receiver

DAY = timedelta(days=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with webhook_receiver(Receiver()) as running:
        yield running


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer("a key that only the tests know", tmp_path)


@dataclass
class Clock:
    """A clock that the test sets."""

    now: datetime = field(default_factory=utc_now)

    def __call__(self) -> datetime:
        return self.now


def fired(number: int, at: datetime) -> NewEvent:
    details = EventDetails("angry", "share of angry above 30 %", 0.3, "%", at, at, 99.0, 1.0)
    return NewEvent(
        EventKind.FIRED,
        1,
        "Angry",
        Severity.WARNING,
        number,
        f"door {number}",
        at,
        at,
        0.4,
        details,
    )


def queue(engine: Engine, count: int, at: datetime, targets: list[int] | None = None) -> None:
    with transaction(engine) as connection:
        for number in range(1, count + 1):
            write_event(connection, fired(number, at), targets)


def deliverer(
    engine: Engine, sealer: Sealer, clock: Clock, tmp_path: Path, holder: str = "host:1:2"
) -> Deliverer:
    send = sender(Settings(home=tmp_path))
    return Deliverer(engine, sealer, send, holder, clock, random.Random(1))


def deliveries(engine: Engine) -> list[KnownDelivery]:
    with reading(engine) as connection:
        return list_deliveries(connection)[::-1]


@pytest.mark.both_databases
def test_events_arrive_signed_and_in_order(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    secret = add_webhook(engine, sealer, receiver.url)
    queue(engine, 3, clock.now)
    done = deliverer(engine, sealer, clock, tmp_path).run()
    assert (done.sent, done.failed) == (3, 0)
    assert receiver.all_signed(secret) and receiver.paths == ["/hooks/moodline?a=1"] * 3
    bodies = [json.loads(one[3]) for one in receiver.got]
    assert [body["data"]["source"] for body in bodies] == ["door 1", "door 2", "door 3"]
    assert [body["data"]["id"] for body in bodies] == receiver.ids
    assert bodies[0]["type"] == "alert.fired" and bodies[0]["data"]["value"] == 0.4
    assert [one.state for one in deliveries(engine)] == [DeliveryState.DELIVERED] * 3


@pytest.mark.both_databases
def test_a_day_of_outage_loses_nothing_and_keeps_the_order(
    engine: Engine, sealer: Sealer, tmp_path: Path
) -> None:
    clock = Clock()
    begun = clock.now
    receiver = Receiver()
    with webhook_receiver(receiver):
        port = receiver.port
    secret = add_webhook(engine, sealer, receiver.url)
    away = deliverer(engine, sealer, clock, tmp_path)
    queue(engine, 20, clock.now)
    attempts = 0
    while clock.now < begun + DAY:
        attempts += away.run().failed
        clock.now += timedelta(minutes=5)
    assert 30 <= attempts <= 70, "the schedule is neither impatient nor slow"
    with webhook_receiver(receiver, port):
        while not receiver.got:
            clock.now += timedelta(minutes=5)
            away.run()
    assert clock.now < begun + DAY + timedelta(hours=1)
    sources = [json.loads(one[3])["data"]["source"] for one in receiver.got]
    assert sources == [f"door {number}" for number in range(1, 21)]
    assert receiver.all_signed(secret) and len(set(receiver.ids)) == 20


@pytest.mark.parametrize("status", [301, 307, 400, 404, 500, 503, CUT])
def test_a_failed_attempt_is_repeated_with_the_same_id(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path, status: int
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, receiver.url)
    queue(engine, 2, clock.now)
    receiver.statuses = [status]
    receiver.headers = {"Location": "/elsewhere"}
    trying = deliverer(engine, sealer, clock, tmp_path)
    assert trying.run().failed == 1 and len(receiver.got) == 1
    trying.run()
    assert len(receiver.got) == 1, "the second event waits for the first"
    clock.now += timedelta(seconds=7)
    assert trying.run().sent == 2
    assert receiver.ids[0] == receiver.ids[1] != receiver.ids[2]
    assert "/elsewhere" not in receiver.paths


def test_a_receiver_that_hangs_is_left_after_the_timeout(receiver: Receiver) -> None:
    receiver.statuses = [HANG]
    target = AlertTarget("hook", TargetKind.WEBHOOK, receiver.url, new_secret(), private=True)
    message = Message("msg_1", EventKind.TEST, "info", "{}", "", "")
    outcome = send_webhook(target, message, utc_now(), timeout_s=0.3)
    assert not outcome.ok and "no answer" in outcome.text


def test_status_410_disables_the_target(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, receiver.url)
    queue(engine, 3, clock.now)
    receiver.statuses = [410]
    trying = deliverer(engine, sealer, clock, tmp_path)
    assert trying.run().failed == 1
    queue(engine, 1, clock.now + DAY)
    assert trying.run() == Delivered() and len(receiver.got) == 1
    assert [one.state for one in deliveries(engine)] == [DeliveryState.DROPPED] * 3
    with pytest.raises(AlertError, match="disabled"):
        queue_test(engine, "hook")
    enable_target(engine, "hook")
    assert replay_deliveries(engine, "hook", clock.now - DAY) == 3
    clock.now = utc_now()
    assert trying.run().sent == 3


def test_a_message_that_is_refused_makes_room(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, receiver.url)
    queue(engine, 2, clock.now)
    receiver.statuses = [400] * MAX_REFUSALS
    trying = deliverer(engine, sealer, clock, tmp_path)
    for _attempt in range(MAX_REFUSALS):
        trying.run()
        clock.now += timedelta(hours=1)
    assert [one.state for one in deliveries(engine)] == ["failed", "delivered"]


def test_a_delivery_is_given_up_after_days(engine: Engine, sealer: Sealer, tmp_path: Path) -> None:
    clock = Clock()
    add_webhook(engine, sealer, "http://127.0.0.1:9/")
    queue(engine, 1, clock.now)
    trying = deliverer(engine, sealer, clock, tmp_path)
    trying.run()
    clock.now += GIVE_UP_AFTER
    trying.run()
    (one,) = deliveries(engine)
    assert (one.state, one.attempts, one.result) == ("failed", 2, "Connection refused")


def test_retry_after_is_respected(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, receiver.url)
    queue(engine, 1, clock.now)
    receiver.statuses, receiver.headers = [429], {"Retry-After": "120"}
    trying = deliverer(engine, sealer, clock, tmp_path)
    trying.run()
    (one,) = deliveries(engine)
    assert one.next_at == clock.now + timedelta(seconds=120)


@pytest.mark.both_databases
def test_a_deliverer_that_died_after_sending_sends_again_with_the_same_id(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, receiver.url)
    queue(engine, 1, clock.now)
    dying = deliverer(engine, sealer, clock, tmp_path)

    class KilledError(Exception):
        pass

    def send(target: AlertTarget, message: Message, now: datetime) -> Outcome:
        dying.send(target, message, now)
        raise KilledError

    with pytest.raises(KilledError):
        Deliverer(engine, sealer, send, "host:1:2", clock).run()
    assert deliverer(engine, sealer, clock, tmp_path, "host:3:4").run().sent == 1
    assert len(receiver.ids) == 2 and len(set(receiver.ids)) == 1


@pytest.mark.both_databases
def test_two_deliverers_do_not_share_a_target(
    engine: Engine, sealer: Sealer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, "http://127.0.0.1:9/")
    with reading(engine) as connection:
        pk = find_target(connection, "hook").pk
    alive = {"other:1:2": True}
    monkeypatch.setattr(outbox, "claim_is_alive", lambda holder, _until: alive.get(holder, False))
    lease = timedelta(minutes=2)
    assert claim_target(engine, pk, holder="other:1:2", now=clock.now, lease=lease)
    assert not claim_target(engine, pk, holder="host:1:2", now=clock.now, lease=lease)
    queue(engine, 1, clock.now)
    assert deliverer(engine, sealer, clock, tmp_path).run() == Delivered()
    alive.clear()
    assert deliverer(engine, sealer, clock, tmp_path).run().failed == 1


def test_a_full_queue_drops_the_oldest(
    engine: Engine, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MAX_WAITING", 3)
    add_webhook(engine, sealer, "http://127.0.0.1:9/")
    queue(engine, 5, utc_now())
    states = [one.state for one in deliveries(engine)]
    assert states == ["dropped", "dropped", "waiting", "waiting", "waiting"]


def test_a_target_that_fails_is_a_problem_until_it_works(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, receiver.url)
    queue(engine, 1, clock.now)
    receiver.statuses = [500, 500]
    trying = deliverer(engine, sealer, clock, tmp_path)
    for attempt in range(3):
        trying.run()
        with reading(engine) as connection:
            found = silent_targets(connection)
        expected = [("hook", "HTTP status 500")] if attempt == 1 else []
        assert [(name, reason) for name, _since, reason in found] == expected
        clock.now += timedelta(hours=1)


def test_the_scheduler_evaluates_and_delivers_if_there_is_something_to_do(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    secret = "a key that only the tests know"
    settings = Settings(
        home=tmp_path, secret_key=secret, database_url=engine.url.render_as_string(False)
    )
    assert not {"alerts", "alert deliveries"} & {
        one.name for one in scheduled_jobs(settings, engine)
    }
    add_webhook(engine, sealer, receiver.url)
    add_rule(engine, rule("disk < 999999GB", window_s=0), now=utc_now() - timedelta(minutes=1))
    jobs = {one.name: one for one in scheduled_jobs(settings, engine)}
    assert jobs["alerts"].run() == "1 event"
    assert jobs["alert deliveries"].run() == "1 message delivered, 0 failed"
    assert jobs["alerts"].run() == "0 events"
    body = json.loads(receiver.got[0][3])
    assert body["data"]["measure"] == "disk" and body["data"]["title"] == "Warning: test"


def test_addresses_and_secrets_are_sealed(engine: Engine, sealer: Sealer, tmp_path: Path) -> None:
    add_target(engine, sealer, AlertTarget("phone", TargetKind.APPRISE, "tgram://123:hunter2/42"))
    secret = add_webhook(engine, sealer, "https://example.com/hunter2")
    with reading(engine) as connection:
        rows = connection.execute(select(*StoredTarget.__table__.c)).all()
    stored = " ".join(str(value) for row in rows for value in row)
    assert "hunter2" not in stored and secret not in stored
    queue(engine, 1, utc_now())
    other = Sealer("another key of another host", tmp_path)
    assert deliverer(engine, other, Clock(), tmp_path).run().failed == 2
    assert "another key" in deliveries(engine)[0].result


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:1/", "private network"),
        ("http://10.0.0.7/", "private network"),
        ("http://[fd00::1]/", "private network"),
        ("http://169.254.169.254/latest/", "private network"),
        ("http://100.64.0.1/", "private network"),
        ("http://[::ffff:10.0.0.7]/", "private network"),
    ],
)
def test_private_addresses_are_refused_unless_the_owner_names_them(
    address: str, reason: str
) -> None:
    target = AlertTarget("hook", TargetKind.WEBHOOK, address, new_secret())
    message = Message("msg_1", EventKind.TEST, "info", "{}", "", "")
    outcome = send_webhook(target, message, utc_now())
    assert not outcome.ok and reason in outcome.text


def test_a_name_that_moves_into_the_network_is_refused(receiver: Receiver) -> None:
    url = f"http://hooks.example:{receiver.port}/"
    target = AlertTarget("hook", TargetKind.WEBHOOK, url, new_secret())
    message = Message("msg_1", EventKind.TEST, "info", "{}", "", "")
    outcome = send_webhook(target, message, utc_now(), resolve=lambda _host: ["127.0.0.1"])
    assert not outcome.ok and not receiver.got
    allowed = ["Hooks.example"]
    assert send_webhook(
        target, message, utc_now(), allowed=allowed, resolve=lambda _host: ["127.0.0.1"]
    ).ok
    metadata = send_webhook(
        target, message, utc_now(), allowed=allowed, resolve=lambda _host: ["169.254.169.254"]
    )
    assert not metadata.ok and "private network" in metadata.text


def test_a_login_in_the_url_is_sent_as_basic_authentication(receiver: Receiver) -> None:
    url = receiver.url.replace("http://", "http://me:p%40ss@")
    target = AlertTarget("hook", TargetKind.WEBHOOK, url, new_secret(), private=True)
    message = Message("msg_1", EventKind.TEST, "info", "{}", "", "")
    assert send_webhook(target, message, utc_now()).ok
    assert receiver.logins == ["Basic bWU6cEBzcw=="]


def test_a_message_of_the_longest_names_is_below_20_kb(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    add_webhook(engine, sealer, receiver.url)
    queue(engine, 1, clock.now)
    with transaction(engine) as connection:
        connection.execute(update(AlertEvent).values(source="\U0001f600" * 512, rule_name="é" * 64))
    assert deliverer(engine, sealer, clock, tmp_path).run().sent == 1
    assert len(receiver.got[0][3].encode()) < 20_000


def test_apprise_targets_get_title_and_text(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    pytest.importorskip("apprise")
    clock = Clock()
    address = f"json://127.0.0.1:{receiver.port}/"
    add_target(engine, sealer, AlertTarget("push", TargetKind.APPRISE, address, private=True))
    queue(engine, 1, clock.now)
    receiver.statuses = [500]
    trying = deliverer(engine, sealer, clock, tmp_path)
    assert trying.run().failed == 1
    clock.now += timedelta(seconds=7)
    assert trying.run().sent == 1
    body = json.loads(receiver.got[-1][3])
    assert body["title"] == "Warning: Angry (door 1)" and body["type"] == "warning"
    assert body["message"].startswith("share of angry above 30 %: it was 40 %")


def test_a_topic_of_mqtt_gets_what_waited_for_its_broker(
    engine: Engine, sealer: Sealer, tmp_path: Path
) -> None:
    clock = Clock()
    broker = MqttBroker(tmp_path)
    address = f"{broker.url}/home/alerts"
    add_target(engine, sealer, AlertTarget("house", TargetKind.MQTT, address, private=True))
    queue(engine, 2, clock.now)
    trying = deliverer(engine, sealer, clock, tmp_path)
    assert trying.run().failed == 1
    assert "cannot connect" in deliveries(engine)[0].result
    clock.now += timedelta(seconds=7)
    with broker, MqttListener(broker) as listener:
        assert trying.run().sent == 2
        listener.wait_for(lambda one: len(one.messages) == 2, "two alerts")
    assert [topic for topic, _ in listener.messages] == ["home/alerts"] * 2
    bodies = [json.loads(payload) for _, payload in listener.messages]
    assert [body["data"]["source"] for body in bodies] == ["door 1", "door 2"]
    assert not listener.kept, "an event is no state"


@pytest.mark.parametrize(
    "address",
    [
        *("json://localhost:{port}/", "json://2130706433:{port}/", "rsyslog://127.0.0.1:{port}"),
        "mailto://u:p@127.0.0.1:{port}?from=a@b.de&to=c@d.de",
    ],
)
def test_what_a_user_of_the_dashboard_added_reaches_no_private_network(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path, address: str
) -> None:
    pytest.importorskip("apprise")
    target = AlertTarget("push", TargetKind.APPRISE, address.format(port=receiver.port))
    add_target(engine, sealer, target)
    queue(engine, 1, utc_now())
    assert deliverer(engine, sealer, Clock(), tmp_path).run().failed == 1
    assert receiver.got == [] and "MOODLINE_ALERT_HOSTS" in deliveries(engine)[0].result


def test_hosts_that_the_owner_named_are_reached_by_what_users_added(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    pytest.importorskip("apprise")
    address = f"json://localhost:{receiver.port}/"
    add_target(engine, sealer, AlertTarget("push", TargetKind.APPRISE, address))
    with MqttBroker(tmp_path) as broker, MqttListener(broker) as listener:
        add_target(engine, sealer, AlertTarget("house", TargetKind.MQTT, f"{broker.url}/alerts"))
        queue(engine, 1, utc_now())
        refused = deliverer(engine, sealer, Clock(), tmp_path)
        assert refused.run().failed == 2 and not listener.messages
        assert all("MOODLINE_ALERT_HOSTS" in one.result for one in deliveries(engine))
        settings = Settings(home=tmp_path, alert_hosts=("localhost",), mqtt_url=broker.url)
        later = Clock(utc_now() + timedelta(seconds=7))
        allowed = Deliverer(engine, sealer, sender(settings), "host:1:2", later, random.Random(1))
        assert allowed.run().sent == 2
        listener.wait_for(lambda one: len(one.messages) == 1, "an alert")
    assert len(receiver.got) == 1


def test_a_removed_target_gets_nothing_and_leaves_nothing(engine: Engine, sealer: Sealer) -> None:
    add_webhook(engine, sealer, "http://127.0.0.1:9/")
    queue(engine, 2, utc_now())
    remove_target(engine, "hook")
    assert deliveries(engine) == []
    with reading(engine) as connection:
        assert list_targets(connection) == []


@pytest.mark.slow
@pytest.mark.both_databases
def test_ten_thousand_queued_deliveries_drain(
    engine: Engine, sealer: Sealer, receiver: Receiver, tmp_path: Path
) -> None:
    clock = Clock()
    secret = add_webhook(engine, sealer, receiver.url)
    with reading(engine) as connection:
        pk = find_target(connection, "hook").pk
    with transaction(engine) as connection:
        first = write_event(connection, fired(1, clock.now), [])
        row = dict(connection.execute(select(*AlertEvent.__table__.c)).mappings().one())
        for number in range(2, 10_001):
            new = row | {"id": first + number, "message_id": f"msg_{number}", "subject": number}
            connection.execute(insert(AlertEvent), new)
            connection.execute(
                insert(StoredDelivery).values(
                    target_pk=pk,
                    event_pk=new["id"],
                    state=DeliveryState.WAITING,
                    next_at=clock.now,
                    created_at=clock.now,
                    attempts=0,
                    result="",
                )
            )
    chance = random.Random(7)
    receiver.statuses = [500 if chance.random() < 0.01 else 204 for _ in range(9_000)]
    trying = deliverer(engine, sealer, clock, tmp_path)
    while any(one.waiting for one in _targets(engine)):
        trying.run()
        clock.now += timedelta(seconds=10)
    assert len(set(receiver.ids)) == 9_999 and receiver.all_signed(secret)
    numbers = list(dict.fromkeys(receiver.ids))
    assert numbers == [f"msg_{number}" for number in range(2, 10_001)]


def _targets(engine: Engine):  # type: ignore[no-untyped-def]
    with reading(engine) as connection:
        return list_targets(connection)
