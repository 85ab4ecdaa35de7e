"""MediaFreshness and frozen sources: media that does not advance counts nowhere."""

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from av.video.frame import VideoFrame

from contracts.errors import SourceError
from contracts.live_sources import LiveState
from ingest.live.clock import LiveClock
from ingest.live.freshness import (
    FROZEN_S,
    SAME_MEDIA,
    SAME_PICTURE,
    MediaFreshness,
    PacketMark,
)
from ingest.live.inputs import InputFrame, LiveInput
from ingest.live.reader import LiveReader


def picture(digest: int) -> PacketMark:
    """A JPEG of a camera: its times are made up by FFmpeg."""
    return PacketMark(digest, 0, is_picture=True, is_replayable=False)


def segment(*numbers: int) -> list[PacketMark]:
    """Packets of a playlist, one each tick."""
    return [PacketMark(1000 + n, n, is_picture=n % 5 == 0, is_replayable=True) for n in numbers]


def judged(one: MediaFreshness, marks: list[PacketMark], at_s: float = 0.0) -> list[bool]:
    return [one.is_new(mark, at_s) for mark in marks]


def test_a_repeated_picture_is_old_after_ten_seconds_until_another_comes() -> None:
    one = MediaFreshness()
    times = [0.0, 1.0, FROZEN_S - 0.1, FROZEN_S, 100.0]
    assert [one.is_new(picture(1), at) for at in times] == [True, True, True, False, False]
    assert one.reason == SAME_PICTURE
    assert one.is_new(picture(2), 101.0)
    assert one.reason == ""
    assert one.is_new(picture(2), 110.0)
    assert not one.is_new(picture(2), 111.0)


def test_a_picture_may_come_again_between_others() -> None:
    one = MediaFreshness()
    assert all(one.is_new(picture(number % 2), number * 1.0) for number in range(60))


def test_a_repeated_picture_stays_old_over_reconnections() -> None:
    one = MediaFreshness()
    for second in range(30):
        one.begin_connection()
        assert one.is_new(picture(7), second) is (second < FROZEN_S)


def test_equal_predicted_frames_are_a_still_scene() -> None:
    """A video codec encodes a scene in which nothing moves as packets that say just that."""
    one = MediaFreshness()
    still = PacketMark(1, None, is_picture=False, is_replayable=False)
    assert all(one.is_new(still, float(second)) for second in range(60))


def test_a_playlist_that_is_read_again_is_old_until_it_goes_on() -> None:
    one = MediaFreshness()
    assert all(judged(one, segment(*range(40))))
    for _ in range(3):
        one.begin_connection()
        assert not any(judged(one, segment(*range(40))))
        assert one.reason == SAME_MEDIA
    one.begin_connection()
    assert judged(one, segment(*range(30, 50))) == [False] * 10 + [True] * 10


def test_a_long_file_that_is_read_again_is_old_to_its_end() -> None:
    one = MediaFreshness()
    assert all(judged(one, segment(*range(20_000))))
    one.begin_connection()
    assert not any(judged(one, segment(*range(20_000))))


def test_a_server_that_starts_over_with_other_media_is_new() -> None:
    one = MediaFreshness()
    judged(one, segment(*range(100)))
    one.begin_connection()
    others = [PacketMark(5000 + n, n, is_picture=False, is_replayable=True) for n in range(100)]
    assert all(judged(one, others))


def test_within_one_connection_a_loop_is_new() -> None:
    """A stream that repeats a clip, as for a demonstration, is one whose playlist advances."""
    one = MediaFreshness()
    assert all(judged(one, segment(*range(25)) * 4))


class Repeating(LiveInput):
    """A connection with the given marks; the time passes between the frames."""

    def __init__(self, marks: list[PacketMark], tick: Callable[[], None]) -> None:
        self.aspect, self.corrupt, self.codec, self.rate = Fraction(1), 0, "mjpeg", None
        self._marks, self._tick = marks, tick

    def frames(self) -> Iterator[InputFrame]:
        for mark in self._marks:
            self._tick()
            pixels = np.zeros((48, 64), np.uint8)
            yield InputFrame(VideoFrame.from_ndarray(pixels, format="gray"), None, mark)
        raise SourceError("the camera is gone")

    def close(self) -> None:
        pass


def test_a_frozen_source_is_stalled_counts_nothing_and_recovers() -> None:
    now_s = [50.0]
    seen: list[tuple[LiveState, str, int, float]] = []
    done = threading.Event()

    def tick() -> None:
        now_s[0] += 1.0
        condition = source.condition
        seen.append((condition.state, condition.reason, source.counters().captured, source.hung_s))

    marks = [picture(1)] * 60 + [picture(2), picture(3)]
    connections = iter([Repeating(marks, tick)])

    def opener(_uri: str) -> LiveInput:
        live = next(connections, None)
        if live is None:
            done.set()
            raise SourceError("the camera is gone")
        return live

    clock = LiveClock(lambda: now_s[0], lambda: now_s[0])
    source = LiveReader("http://camera/video", fps=None, max_side=64, opener=opener, clock=clock)
    with source:
        assert done.wait(20)
    states = [(state, reason) for state, reason, _, _ in seen]
    assert states[5] == (LiveState.STREAMING, "")
    assert states[30] == (LiveState.STALLED, SAME_PICTURE)
    assert seen[59][2] == FROZEN_S, "the frozen picture is not counted"
    assert max(hung_s for *_, hung_s in seen) < 5, "a source that is heard does not hang"
    assert states[61] == (LiveState.STREAMING, "")
    counters = source.counters()
    assert counters.captured == FROZEN_S + 2 == sum(counters.dropped.values())


@pytest.mark.parametrize("replays", [True, False])
def test_a_source_that_only_repeats_itself_is_stalled_between_the_connections(
    replays: bool,
) -> None:
    now_s, opened = [50.0], threading.Semaphore(0)
    media = segment(*range(20))
    connections = iter([media, media if replays else segment(*range(20, 40))])

    def tick() -> None:
        now_s[0] += 0.1

    def opener(_uri: str) -> LiveInput:
        marks = next(connections, None)
        if marks is None:
            opened.release()
            over.wait(20)
            raise SourceError("the test is over")
        return Repeating(marks, tick)

    over = threading.Event()
    clock = LiveClock(lambda: now_s[0], lambda: now_s[0])
    source = LiveReader("http://camera/a.m3u8", fps=None, max_side=64, opener=opener, clock=clock)
    source.start()
    assert opened.acquire(timeout=20)
    condition = source.condition
    if replays:
        assert (condition.state, condition.reason) == (LiveState.STALLED, SAME_MEDIA)
        assert source.counters().captured == 20
    else:
        assert condition.state is LiveState.BACKING_OFF
        assert source.counters().captured == 40
    over.set()
    source.close()
