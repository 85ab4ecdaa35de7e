"""Messages of a recording that follow each other fast are sent together: all of them or none."""

import pytest

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.entries.entry_writer import StreamLimits
from broker.publishing import RunPublisher
from contracts.errors import StreamLostError
from contracts.runs import RunKind
from tests.conftest import BROKER_KEY

FRAME = bytes(range(256)) * 100


class Clock:
    """A clock that the test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def publisher_of(
    bus: Bus, clock: Clock, *, most: int = 100, shares_memory: bool = True
) -> RunPublisher:
    limits = StreamLimits(max_frames=most, max_bytes=10**7)
    made = RunPublisher(bus, "r", limits, RunKind.FILE, shares_memory=shares_memory, clock=clock)
    made.begin()
    return made


def sent(bus: Bus) -> list[int]:
    """Return the seqs of the stream, each with the frame that belongs to it."""
    found = bus.read({"r": 1}, 100, block_ms=1).get("r", [])
    assert all(one.data[:1] == bytes([one.seq]) for one in found)
    return [one.seq for one in found]


def frame(seq: int) -> bytes:
    return bytes([seq]) * len(FRAME)


def test_the_first_frame_is_sent_at_once_and_the_next_eight_together(bus: Bus) -> None:
    publisher = publisher_of(bus, Clock())
    for seq in range(1, 9):
        assert publisher.has_room(len(FRAME)) and publisher.publish(seq, frame(seq), more=True)
    assert sent(bus) == [1]
    publisher.publish(9, frame(9), more=True)
    assert sent(bus) == list(range(1, 10))
    publisher.publish(10, frame(10), more=True)
    publisher.publish(11, frame(11))  # As the end of a run.
    assert sent(bus) == list(range(1, 12))
    bus.drop_committed({"r": 12})
    assert publisher.is_drained()
    publisher.close()


def test_frames_of_a_slow_decoder_do_not_wait_for_others(bus: Bus) -> None:
    clock = Clock()
    publisher = publisher_of(bus, clock)
    for seq in range(1, 5):
        publisher.publish(seq, frame(seq), more=True)
        assert sent(bus) == list(range(1, seq + 1))
        clock.now_s += 0.1
    publisher.close()


def test_what_waits_for_others_is_sent_when_the_stream_has_no_room_for_more(bus: Bus) -> None:
    publisher = publisher_of(bus, Clock(), most=4)
    for seq in range(1, 5):
        assert publisher.has_room(len(FRAME)) and publisher.publish(seq, frame(seq), more=True)
    assert not publisher.has_room(len(FRAME))
    assert sent(bus) == [1, 2, 3, 4]
    bus.drop_committed({"r": 5})
    assert publisher.has_room(len(FRAME)) and publisher.is_drained()
    publisher.close()


def test_a_run_is_not_drained_before_all_of_it_is_sent(bus: Bus) -> None:
    publisher = publisher_of(bus, Clock())
    publisher.publish(1, frame(1), more=True)
    publisher.publish(2, frame(2), more=True)
    bus.drop_committed({"r": 2})
    assert not publisher.is_drained()


def test_a_lost_stream_is_noticed_with_the_next_frames_that_are_sent(bus: Bus) -> None:
    publisher = publisher_of(bus, Clock())
    publisher.publish(1, frame(1), more=True)
    bus.forget_run("r")
    publisher.publish(2, frame(2), more=True)
    with pytest.raises(StreamLostError, match="lost the stream"):
        publisher.publish(3, frame(3))
    publisher.begin()
    publisher.publish(1, frame(1))
    assert sent(bus) == [1]
    publisher.close()


@pytest.mark.parametrize("shares_memory", [True, False])
def test_a_broker_without_memory_takes_none_of_them_and_later_all(shares_memory: bool) -> None:
    with EmbeddedBroker() as broker:
        bus = Bus.connect(broker.url, BROKER_KEY)
        publisher = publisher_of(bus, Clock(), shares_memory=shares_memory)
        for seq in (1, 2, 3):
            publisher.publish(seq, frame(seq), more=True)
        bus.client.config_set("maxmemory", "1mb")
        assert not publisher.publish(4, frame(4))
        assert sent(bus) == [1]
        bus.client.config_set("maxmemory", "100mb")
        assert publisher.publish(4, frame(4))
        assert sent(bus) == [1, 2, 3, 4]
        publisher.close()
        bus.close()
