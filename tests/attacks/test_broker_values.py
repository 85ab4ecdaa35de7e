"""Heartbeats, live views and other signed values in the broker, against who can write into it."""

import json
import os
import stat
import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.live_view import FaceReading, SourceView
from broker.open_runs import OpenRuns
from broker.presence import MAX_MEMBERS, Presence
from broker.reports import Report, ServiceReport, SourceReport, WorkerReport
from broker.signing import Signer
from contracts.frames import Counters, FrameMessage
from records.broker_key import read_broker_key
from tests.attacks.broker_attacker import SERVICE, SOURCE, WORKER, Attacker
from tests.integration.ingest.stepped_camera import until
from tests.requirements import lacking

READING = FaceReading(1, 0.1, 0.1, 0.2, 0.2, "happy", 0.8, (0.0, 0.0, 0.0, 0.8, 0.1, 0.1, 0.0))
VIEW = SourceView("door", "run", 10**15, 640, 360, (READING,), b"\xff\xd8\xff a picture")


@pytest.mark.parametrize("report", [WORKER, SOURCE, SERVICE])
def test_heartbeats_of_others_are_not_believed(
    bus: Bus, attacker: Attacker, report: Report
) -> None:
    kind = type(report)
    presence = Presence(bus, kind)
    alive, reports = attacker.key(kind.REGISTRY, "alive"), attacker.key(kind.REGISTRY, "reports")
    assert presence.send_heartbeat(report, alive_for_s=60) == [report]
    genuine = attacker.client.hget(reports, report.id)
    fake = replace(report, id="fake")
    wrong = Signer(b"another key of this length")
    values = [attacker.value() for _ in range(1500)] + [
        fake.encode(),
        wrong.signed(f"heartbeat/{kind.REGISTRY}", struct.pack(">Q", 2**60) + fake.encode()),
        genuine,  # The same report under another name.
        b"x" * 2_000_000,
    ]
    for number, value in enumerate(values):
        attacker.client.zadd(alive, {f"fake{number}": float("inf")})
        attacker.client.hset(reports, f"fake{number}", value)
    assert presence.alive() == [report]
    assert presence.send_heartbeat(report, alive_for_s=60) == [report]
    assert sum(bus.refusals.counts.values()) >= len(values)
    for key in (alive, reports):
        attacker.client.delete(key)
        attacker.client.set(key, "another type")
        assert presence.send_heartbeat(report, alive_for_s=60) == [report]


def test_a_heartbeat_that_ran_out_cannot_be_repeated(bus: Bus, attacker: Attacker) -> None:
    presence = Presence(bus, WorkerReport)
    alive, reports = attacker.key("workers", "alive"), attacker.key("workers", "reports")
    presence.send_heartbeat(replace(WORKER, id="dead"), alive_for_s=0.5)
    old = attacker.client.hget(reports, "dead")
    until(lambda: presence.alive() == [])
    attacker.client.zadd(alive, {"dead": float("inf")})
    attacker.client.hset(reports, "dead", old)
    assert presence.alive() == []


def test_a_flood_of_heartbeats_is_dropped_and_the_living_come_back(
    bus: Bus, attacker: Attacker
) -> None:
    presence = Presence(bus, SourceReport)
    presence.send_heartbeat(SOURCE, alive_for_s=60)
    pipeline = attacker.client.pipeline(transaction=False)
    for number in range(MAX_MEMBERS + 1):
        pipeline.zadd(attacker.key("sources", "alive"), {str(number): float("inf")})
    pipeline.execute()
    assert presence.send_heartbeat(SOURCE, alive_for_s=60) == [SOURCE]
    assert presence.alive() == [SOURCE]


def test_live_views_of_others_are_not_shown(bus: Bus, attacker: Attacker) -> None:
    VIEW.publish(bus)
    genuine = attacker.client.get(attacker.key("door", "view"))
    assert genuine is not None
    attacker.client.persist(attacker.key("door", "view"))  # However long the attack takes.
    names = [f"s{number}" for number in range(500)]
    for name in names:
        attacker.client.set(attacker.key(name, "view"), attacker.value())
    attacker.client.set(attacker.key("hall", "view"), genuine)  # Another source's picture.
    attacker.client.hset(attacker.key("yard", "view"), "values", "{}")
    attacker.client.set(attacker.key("huge", "view"), b"x" * 20_000_000)
    found = SourceView.newest_of(bus, ["door", "hall", "yard", "huge", *names])
    assert found == {"door": VIEW}
    attacker.client.set(attacker.key("door", "view"), genuine[:-1] + b"?")
    assert SourceView.newest(bus, "door") is None


def test_a_live_view_that_ran_out_cannot_be_repeated(
    bus: Bus, attacker: Attacker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bus, "time_ms", lambda _bus: 1_700_000_000_000)
    VIEW.publish(bus)
    assert attacker.client.exists(attacker.key("door", "view"))
    assert SourceView.newest(bus, "door") is None


@pytest.mark.parametrize(
    "change",
    [
        {"picture": b"<svg onload=alert(1)>"},
        {"picture": b"\xff\xd8\xff" + bytes(2_000_000)},
        {"width": 0},
        {"height": 10**6},
        {"captured_at_us": 2**63},
        {"readings": (replace(READING, x=float("nan")),)},
        {"readings": (replace(READING, confidence=1.5),)},
        {"readings": (replace(READING, probabilities=(1.0,)),)},
        {"readings": (replace(READING, emotion="<b>"),)},
        {"readings": (replace(READING, track_id=-1),)},
    ],
)
def test_a_live_view_out_of_bounds_is_not_shown(bus: Bus, change: dict[str, Any]) -> None:
    replace(VIEW, **change).publish(bus)
    assert SourceView.newest(bus, "door") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_report_is_valid_or_raises_a_value_error(data: bytes) -> None:
    for kind in (WorkerReport, SourceReport, ServiceReport):
        with suppress(ValueError):
            assert isinstance(kind.decode(data), kind)


@given(st.sampled_from([WORKER, SOURCE, SERVICE]), st.data())
def test_a_report_with_a_field_of_another_type_is_refused(
    report: Report, data: st.DataObject
) -> None:
    values = json.loads(report.encode())
    name = data.draw(st.sampled_from(sorted(values)))
    other = {"value": values[name]}
    values[name] = data.draw(st.sampled_from([{}, [[]], True, other, "x" * 5000, 1e300, -1]))
    with pytest.raises(ValueError, match=name):
        type(report).decode(json.dumps(values).encode())


@given(st.text(max_size=20), st.binary(max_size=200), st.integers(0, 300), st.integers(1, 255))
def test_a_signed_value_with_a_changed_byte_is_refused(
    purpose: str, data: bytes, at: int, change: int
) -> None:
    signer = Signer(b"a key of sixteen bytes")
    value = bytearray(signer.signed(purpose, data))
    assert signer.opened(purpose, bytes(value)) == data
    assert signer.opened(purpose + "x", bytes(value)) is None
    value[at % len(value)] ^= change
    assert signer.opened(purpose, bytes(value)) is None


def test_a_frame_message_is_checked_before_it_is_used() -> None:
    valid = FrameMessage("r", 1, 0, 0, 0, 4, 2, 4, 2, Counters(1), bytes(8))
    for change in (
        {"width": 10**9},
        {"captured_at_us": 2**62},
        {"captured_at_us": -(2**62)},
        {"media_time_us": 2**60},
        {"seq": 2**60},
        {"frame_index": 2**60},
        {"display_height": 0},
        {"counters": Counters(2**60)},
        {"counters": Counters(1, 0, {str(number): 1 for number in range(100)})},
    ):
        with pytest.raises(Exception, match=r"not|out of|many"):
            replace(valid, **change)  # type: ignore[arg-type]


def test_the_key_is_made_once_and_is_the_same_for_all(sqlite_engine: Engine) -> None:
    keys = {read_broker_key(sqlite_engine) for _ in range(3)}
    assert len(keys) == 1 and len(keys.pop()) == 32


def test_no_other_user_can_connect_to_the_embedded_broker(broker: EmbeddedBroker) -> None:
    folder = broker.folder
    socket = Path(broker.url.removeprefix("unix://"))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and socket.parent == folder
    assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0
    if os.geteuid() != 0:
        lacking("root", "only root can become another user")
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            redis.Redis.from_url(broker.url).ping()
        except redis.exceptions.ConnectionError as exc:
            os._exit(0 if "Permission denied" in str(exc) else 2)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_broker_does_not_start_in_a_folder_that_others_can_open() -> None:
    with EmbeddedBroker() as broker:
        broker.folder.chmod(0o777)
        with pytest.raises(Exception, match="belongs to another user"):
            broker.restart()
        broker.folder.chmod(0o700)


def test_refusals_are_logged_once_in_a_while_and_quote_nothing(
    bus: Bus, attacker: Attacker, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(300):
        attacker.client.hset(bus.runs_key, f"\x1b[2J evil {number}", "x")
        OpenRuns(bus).scan()
    shown = capsys.readouterr()
    lines = [line for line in (shown.out + shown.err).splitlines() if "refused" in line]
    assert len(lines) == 1 and "evil" not in lines[0]
    assert bus.refusals.counts["run"] == 300
