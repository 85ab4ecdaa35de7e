"""The frame stream on a real broker: order, back-pressure, loss and rewind."""

import time

import pytest

from broker.broker_info import BrokerInfo
from broker.bus import Bus
from broker.dead_letters import DeadLetters
from broker.embedded import EmbeddedBroker
from broker.entries.entry_writer import StreamLimits
from broker.entries.stream_entries import CHROMA_FIELD, MESSAGE_FIELD, REFERENCE_FIELD, TAG_FIELD
from broker.leases import Leases
from broker.open_runs import OpenRuns
from broker.presence import Presence
from broker.publishing import RunPublisher
from broker.reports import WorkerReport
from broker.signing import message_purpose
from contracts.errors import BrokerError, StreamLostError
from contracts.runs import RunKind
from tests.conftest import BROKER_KEY

LIMITS = StreamLimits(max_frames=4, max_bytes=1000)


def seqs(bus: Bus, run_id: str, count: int = 10) -> list[int]:
    """Return the seqs of the next messages, and drop them as if they were committed."""
    found = [d.seq for d in bus.read({run_id: 1}, count, block_ms=1).get(run_id, [])]
    if found:
        bus.drop_committed({run_id: found[-1] + 1})
    return found


def test_frames_are_delivered_once_and_in_order(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    for seq in (1, 2, 3):
        assert publisher.publish(seq, b"frame")
    assert seqs(bus, "r", 2) == [1, 2]
    assert seqs(bus, "r") == [3]
    assert seqs(bus, "r") == []


def test_publishing_a_frame_twice_adds_it_once(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    for seq in (1, 2, 2):
        assert publisher.publish(seq, b"frame")
    assert seqs(bus, "r") == [1, 2]


def test_frames_are_read_again_until_they_are_dropped(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    for seq in (1, 2, 3):
        publisher.publish(seq, b"frame")
    assert [d.seq for d in bus.read({"r": 1}, 10, block_ms=1)["r"]] == [1, 2, 3]
    bus.drop_committed({"r": 2})
    assert [d.seq for d in bus.read({"r": 1}, 10, block_ms=1)["r"]] == [2, 3]
    assert [d.seq for d in bus.read({"r": 3}, 10, block_ms=1)["r"]] == [3]


def test_a_full_stream_has_no_room_until_frames_are_acked(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    for seq in (1, 2, 3, 4):
        assert publisher.has_room(10)
        publisher.publish(seq, bytes(10))
    assert not publisher.has_room(10)
    seqs(bus, "r", 1)
    assert publisher.has_room(10)


def test_an_empty_stream_takes_one_message_above_its_byte_limit(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    assert publisher.has_room(5000)
    publisher.publish(1, bytes(5000))
    assert not publisher.has_room(1)


def test_the_producer_notices_a_lost_stream(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    publisher.publish(1, b"frame")
    bus.forget_run("r")
    with pytest.raises(StreamLostError):
        publisher.publish(2, b"frame")
    assert bus.read({"r": 2}, 10, block_ms=1) == {}


def test_one_lost_stream_does_not_hide_the_others(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    publisher.publish(1, b"frame")
    found = bus.read({"lost": 1, "r": 1}, 10, block_ms=1)
    assert [d.seq for d in found["r"]] == [1]


def test_a_missing_frame_rewinds_the_producer(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    publisher.publish(1, b"frame")
    bus.request_rewind("r", 1)
    with pytest.raises(StreamLostError, match="frame 1 is missing"):
        publisher.publish(2, b"frame")
    publisher.begin()
    assert publisher.publish(1, b"frame")


FRAME = bytes(range(256)) * 100


def shared_publisher(bus: Bus) -> RunPublisher:
    limits = StreamLimits(max_frames=4, max_bytes=10 * len(FRAME))
    publisher = RunPublisher(bus, "r", limits, kind=RunKind.FILE, shares_memory=True)
    publisher.begin()
    return publisher


def stored_bytes(bus: Bus) -> int:
    return int(bus.client.memory_usage(bus.stream_key("r")) or 0)  # type: ignore[arg-type]


def test_shared_frames_pass_the_broker_by_and_their_memory_is_used_again(bus: Bus) -> None:
    publisher = shared_publisher(bus)
    for seq in range(1, 21):
        frame = bytes([seq]) * len(FRAME)
        assert publisher.has_room(len(frame)) and publisher.publish(seq, frame)
        assert stored_bytes(bus) < len(FRAME)
        if seq % 4 == 0:
            read = bus.read({"r": seq - 3}, 10, block_ms=1)["r"]
            assert [(one.seq, bytes(one.data[:2]), len(one.data)) for one in read] == [
                (number, bytes([number]) * 2, len(FRAME)) for number in range(seq - 3, seq + 1)
            ]
            assert not publisher.has_room(len(FRAME))
            bus.drop_committed({"r": seq + 1})
    assert publisher.is_drained()
    publisher.close()


def test_a_message_that_the_shared_memory_cannot_hold_goes_through_the_broker(bus: Bus) -> None:
    publisher = shared_publisher(bus)
    publisher.publish(1, FRAME)
    publisher.publish(2, 30 * FRAME)
    publisher.publish(3, b"the end")
    read = bus.read({"r": 1}, 10, block_ms=1)["r"]
    assert [bytes(one.data) for one in read] == [FRAME, 30 * FRAME, b"the end"]


def test_frames_whose_memory_is_gone_are_published_again_through_the_broker(bus: Bus) -> None:
    publisher = shared_publisher(bus)
    publisher.publish(1, FRAME)
    publisher.close()  # As if its process had died.
    assert bus.read({"r": 1}, 10, block_ms=1) == {}
    assert not bus.refusals.counts, "nobody has forged anything"

    with pytest.raises(StreamLostError, match="frame 1 is missing"):
        publisher.publish(2, FRAME)
    publisher.begin()
    publisher.publish(1, FRAME)
    assert [one.data for one in bus.read({"r": 1}, 10, block_ms=1)["r"]] == [FRAME]
    assert stored_bytes(bus) > len(FRAME)


def test_a_reader_keeps_the_frames_of_a_producer_that_died_after_it_began(bus: Bus) -> None:
    publisher = shared_publisher(bus)
    publisher.publish(1, FRAME)
    publisher.publish(2, FRAME)
    bus.read({"r": 1}, 1, block_ms=1)
    publisher.close()
    assert [bytes(one.data) for one in bus.read({"r": 1}, 10, block_ms=1)["r"]] == 2 * [FRAME]


def test_a_place_in_memory_that_was_signed_for_another_frame_is_refused(bus: Bus) -> None:
    publisher = shared_publisher(bus)
    publisher.publish(1, FRAME)
    stream = bus.stream_key("r")
    ((_, entry),) = bus.client.xrange(stream)  # type: ignore[misc]
    bus.client.xadd(stream, entry, id="2-0")
    bus.client.xadd(stream, {**entry, REFERENCE_FIELD: b"/proc/1/mem"}, id="3-0")
    assert [one.seq for one in bus.read({"r": 1}, 10, block_ms=1)["r"]] == [1]
    assert bus.refusals.counts == {"stream entry": 2}


def test_a_lease_belongs_to_one_worker_until_it_is_released(bus: Bus) -> None:
    assert Leases(bus).acquire("r", "ann", lease_s=10)
    assert not Leases(bus).acquire("r", "bob", lease_s=10)
    assert Leases(bus).acquire("r", "ann", lease_s=10)
    Leases(bus).release("r", "bob")
    assert not Leases(bus).acquire("r", "bob", lease_s=10)
    Leases(bus).release("r", "ann")
    assert Leases(bus).acquire("r", "bob", lease_s=10)


def report(worker_id: str, runs: int = 0) -> WorkerReport:
    return WorkerReport(
        worker_id, "host", 1, "cpu", "m@1", tuple("abc"[:runs]), 12.5, 3, 0.2, (1, 2)
    )


def test_workers_are_listed_from_their_first_heartbeat_until_they_leave(bus: Bus) -> None:
    presence = Presence(bus, WorkerReport)
    assert presence.send_heartbeat(report("ann", 2), alive_for_s=10) == [report("ann", 2)]
    assert len(presence.send_heartbeat(report("bob"), alive_for_s=10)) == 2
    presence.leave("ann")
    assert presence.alive() == [report("bob")]


def test_a_worker_without_heartbeats_is_not_listed(bus: Bus) -> None:
    presence = Presence(bus, WorkerReport)
    presence.send_heartbeat(report("ann"), alive_for_s=0)
    deadline = time.monotonic() + 10
    while presence.alive():
        assert time.monotonic() < deadline
    assert presence.send_heartbeat(report("bob"), alive_for_s=10) == [report("bob")]


def test_announced_runs_are_found_until_they_are_forgotten(bus: Bus) -> None:
    for run_id, kind in (("b", RunKind.FILE), ("a", RunKind.FILE), ("z", RunKind.LIVE)):
        RunPublisher(bus, run_id, LIMITS, kind=kind).begin()
    assert OpenRuns(bus).announced(["z", "unknown", "a"]) == ["z", "a"]
    bus.forget_run("a")
    assert OpenRuns(bus).scan() == (0, ["b", "z"])


def test_dead_letters_are_limited_and_expire(bus: Bus) -> None:
    for seq in range(100):
        DeadLetters(bus).add("r", seq, b"frame", ttl_s=60)
    assert bus.client.xlen(DeadLetters(bus).key) == 64
    assert 0 < bus.client.ttl(DeadLetters(bus).key) <= 60
    DeadLetters(bus).add("r", 1, b"frame", ttl_s=0)
    assert bus.client.xlen(DeadLetters(bus).key) == 64


def test_the_dead_letters_of_a_run_can_be_dropped(bus: Bus) -> None:
    for seq, run_id in enumerate(("door-1", "door-2", "hall-1", "door-1")):
        DeadLetters(bus).add(run_id, seq, b"frame", ttl_s=60)
    assert DeadLetters(bus).drop(["door-1", "door-2", "gone"]) == 3
    kept = bus.client.xrange(DeadLetters(bus).key)
    assert [fields[b"run"] for _, fields in kept] == [b"hall-1"]
    assert DeadLetters(bus).drop([]) == 0


def test_the_error_of_an_unreachable_broker_hides_its_password() -> None:
    with pytest.raises(BrokerError) as raised:
        Bus.connect("redis://:s3cret@127.0.0.1:1/0")
    assert "s3cret" not in raised.value.line()
    assert "MOODLINE_REDIS_URL" in raised.value.line()


def test_the_error_of_an_invalid_broker_url_hides_its_password() -> None:
    with pytest.raises(BrokerError) as raised:
        Bus.connect("rediss-typo://:s3cret@host")
    assert "s3cret" not in raised.value.line()


def test_a_lost_stream_does_not_count_as_drained(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.FILE)
    publisher.begin()
    publisher.publish(1, b"frame")
    bus.forget_run("r")
    with pytest.raises(StreamLostError):
        publisher.is_drained()


def test_a_full_broker_reserves_memory_for_the_workers() -> None:
    """A completely full broker would refuse the commands with which workers free memory."""
    with EmbeddedBroker() as broker:
        bus = Bus.connect(broker.url, BROKER_KEY)
        bus.client.config_set("maxmemory", "20mb")
        publisher = RunPublisher(bus, "r", StreamLimits(10_000, 2**40), kind=RunKind.FILE)
        publisher.begin()
        frame, sent = bytes(100_000), 0
        while publisher.has_room(len(frame)) and publisher.publish(sent + 1, frame):
            sent += 1
            assert sent < 1000
        assert sent > 100 and publisher.broker_is_full

        # Everything that workers do: heartbeat, lease, read, dead-letter, ack.
        Presence(bus, WorkerReport).send_heartbeat(report("ann"), alive_for_s=10)
        assert Leases(bus).acquire("r", "ann", lease_s=10)
        assert len(bus.read({"r": 1}, 1000, block_ms=1)["r"]) == sent
        DeadLetters(bus).add("r", 1, frame, ttl_s=60)
        bus.drop_committed({"r": sent + 1})

        assert publisher.has_room(len(frame)) and publisher.publish(sent + 1, frame)
        assert seqs(bus, "r") == [sent + 1]
        bus.close()


def test_a_broker_without_memory_returns_false_until_it_has_some() -> None:
    with EmbeddedBroker() as broker:
        bus = Bus.connect(broker.url, BROKER_KEY)
        publisher = RunPublisher(bus, "r", StreamLimits(10_000, 2**40), kind=RunKind.FILE)
        publisher.begin()
        publisher.publish(1, bytes(1000))
        bus.client.config_set("maxmemory", "1mb")
        assert not publisher.publish(2, bytes(1000))
        bus.client.config_set("maxmemory", "100mb")
        assert publisher.publish(2, bytes(1000))
        assert seqs(bus, "r") == [1, 2]
        bus.close()


def test_the_broker_info_names_server_policy_and_memory(bus: Bus) -> None:
    info = BrokerInfo.fetch(bus)
    assert (info.server, info.policy, info.persists) == ("Valkey", "noeviction", False)
    assert 0 < info.used_memory < info.max_memory


def test_colour_travels_beside_its_frame_and_counts_as_bytes(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.LIVE)
    publisher.begin()
    publisher.publish(1, b"frame", b"c" * 900)
    assert not publisher.has_room(100)
    publisher.publish(2, b"frame")
    found = [(d.seq, d.data, d.chroma) for d in bus.read({"r": 1}, 10, block_ms=1)["r"]]
    assert found == [(1, b"frame", b"c" * 900), (2, b"frame", b"")]


def test_colour_that_was_signed_for_another_frame_is_left_out_and_the_frame_stays(bus: Bus) -> None:
    publisher = RunPublisher(bus, "r", LIMITS, kind=RunKind.LIVE)
    publisher.begin()
    publisher.publish(1, b"frame", b"colour")
    ((_, fields),) = bus.client.xrange(bus.stream_key("r"))  # type: ignore[misc]
    tag = bus.signer.tag(message_purpose("r", 2), b"frame")
    forged = {MESSAGE_FIELD: b"frame", TAG_FIELD: tag, CHROMA_FIELD: fields[CHROMA_FIELD]}
    bus.client.xadd(bus.stream_key("r"), forged, id="2-0")

    assert [d.chroma for d in bus.read({"r": 1}, 10, block_ms=1)["r"]] == [b"colour", b""]
    assert bus.refusals.counts["colour of a frame"] == 1
