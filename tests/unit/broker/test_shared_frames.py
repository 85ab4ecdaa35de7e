"""FrameRing: frames keep their bytes until they are dropped, and their memory is used again."""

import random
from collections import deque

from broker.entries.shared_frames import FrameRing, SharedFrames

SIZE = 64 * 1024


def test_frames_of_any_size_are_read_as_they_were_put_until_they_are_dropped() -> None:
    chance, ring, reader = random.Random(27), FrameRing(SIZE), SharedFrames()
    kept: deque[tuple[bytes, bytes]] = deque()
    put = refused = 0
    for _ in range(3000):
        frame = chance.randbytes(chance.randrange(1, SIZE // 3))
        reference = ring.put(frame)
        if reference is None:
            refused += 1
            assert sum(len(one) for _, one in kept) + len(frame) > SIZE // 2, "there is room"
            kept.popleft()
            ring.drop_oldest()
        else:
            put += 1
            kept.append((reference, frame))
        for reference, frame in kept:
            found = reader.read("run", reference)
            assert found is not None and found == frame and found.readonly
    assert put > 1000 and refused > 500
    ring.close()


def test_a_ring_without_frames_takes_one_as_large_as_itself_and_none_larger() -> None:
    ring = FrameRing(SIZE)
    assert ring.put(bytes(SIZE + 1)) is None
    assert ring.put(bytes(SIZE)) is not None
    assert ring.put(b"1") is None
    ring.drop_newest()
    assert ring.put(b"1") is not None
    ring.close()


def test_frames_are_valid_after_the_ring_is_closed_and_another_has_its_number() -> None:
    ring, reader = FrameRing(SIZE), SharedFrames()
    reference = ring.put(b"first")
    assert reference is not None
    found = reader.read("run", reference)
    ring.close()
    other = FrameRing(SIZE)
    other.put(b"other")

    assert found == b"first" and reader.read("run", reference) == b"first"
    assert SharedFrames().read("run", reference) is None, "the number is another ring's by now"
    reader.forget("run")
    assert reader.read("run", reference) is None
    other.close()


def test_a_place_outside_of_the_ring_is_not_read() -> None:
    ring, reader = FrameRing(4096), SharedFrames()
    reference = ring.put(b"frame")
    assert reference is not None
    beyond = reference[:-16] + (4090).to_bytes(8) + (7).to_bytes(8)
    assert reader.read("run", beyond) is None
    ring.close()
