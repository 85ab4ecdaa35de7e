"""Live sources: pauses, clock, the newest picture, and the state that is told of them."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import CredentialsRefusedError, SourceError
from contracts.live_sources import LiveState
from ingest.live.clock import LiveClock
from ingest.live.inputs import InputFrame, LiveInput
from ingest.live.opening import open_live
from ingest.live.reader import STALL_S, LiveReader
from ingest.live.supervision.status_reports import StatusBuilder
from ingest.live.uris import check_uri
from tests.media import steady, write_video


class Clocks:
    """A wall clock that can be set, and a monotonic one that cannot."""

    def __init__(self) -> None:
        self.wall_s, self.monotonic_s = 1.7e9, 50.0

    def pass_time(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    def clock(self) -> LiveClock:
        return LiveClock(lambda: self.wall_s, lambda: self.monotonic_s)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-0.1, 0.1)), max_size=15))
def test_small_corrections_of_the_wall_clock_never_turn_time_back(
    moves: list[tuple[float, float]],
) -> None:
    clocks = Clocks()
    clock, before = clocks.clock(), datetime(2000, 1, 1, tzinfo=UTC)
    for passed, corrected in moves:
        clocks.pass_time(passed)
        clocks.wall_s += corrected
        assert clock.captured_at() >= before
        before = clock.captured_at()
    assert clock.steps == 0


@pytest.mark.parametrize("step_s", [-3600.0, -2.5, 2.5, 86400.0])
def test_a_step_of_the_wall_clock_is_taken_over_and_counted(step_s: float) -> None:
    clocks = Clocks()
    clock = clocks.clock()
    before = clock.captured_at()
    clocks.wall_s += step_s
    clocks.pass_time(1.0)
    assert clock.captured_at() - before == timedelta(seconds=step_s + 1.0)
    assert clock.steps == 1


def test_a_step_of_the_wall_clock_begins_an_interval_and_is_told() -> None:
    clocks = Clocks()
    source = reader(lambda _uri: Given(), clocks.clock())
    builder = StatusBuilder("door", source)
    before = builder.build("", "")
    clocks.pass_time(10)
    assert (builder.build("", "").since, before.reason) == (before.since, "")
    clocks.wall_s += 3600
    told = builder.build("", "")
    assert told.since != before.since and "clock" in told.reason
    clocks.pass_time(61)
    later = builder.build("", "")
    assert (later.since, later.reason) == (told.since, "")


class Given(LiveInput):
    """A source whose pictures the test hands over, one by one."""

    def __init__(self, *shapes: tuple[int, int], error: str = "") -> None:
        self.aspect, self.corrupt = Fraction(1), 0
        self.go_on, self.closed = threading.Semaphore(0), False
        self._shapes, self._error = shapes, error

    def frames(self) -> Iterator[InputFrame]:
        for width, height in self._shapes:
            assert self.go_on.acquire(timeout=20)
            pixels = np.zeros((height, width), np.uint8)
            yield InputFrame(VideoFrame.from_ndarray(pixels, format="gray"), None)
        assert self.go_on.acquire(timeout=20)
        if self._error:
            raise SourceError(self._error)

    def close(self) -> None:
        self.closed = True


def reader(opener: Callable[[str], LiveInput], clock: LiveClock | None = None) -> LiveReader:
    return LiveReader("rtsp://camera/live", fps=None, max_side=64, opener=opener, clock=clock)


def until(holds: Callable[[], bool]) -> None:
    deadline = threading.Event()
    for _ in range(2000):
        if holds():
            return
        deadline.wait(0.01)
    raise AssertionError("it did not come to that")


def test_the_newest_picture_wins_and_every_one_is_counted() -> None:
    live = Given(*[(32, 24)] * 5)
    with reader(lambda _uri: live) as source:
        for _ in range(4):
            live.go_on.release()
        until(lambda: source.counters().captured == 4)
        until(lambda: source.counters().dropped == {"newest": 3})
        taken = source.take(10)
        live.go_on.release()
        until(lambda: source.counters().captured == 5)
        live.go_on.release()
    assert taken is not None and taken.number == 4
    # Of five, one was taken; the last one was there when it was closed.
    assert source.counters().dropped == {"newest": 4}
    assert live.closed


def test_a_picture_of_another_size_is_converted_anew() -> None:
    live = Given((32, 24), (128, 64))
    with reader(lambda _uri: live) as source:
        sizes = []
        for _ in range(2):
            live.go_on.release()
            frame = source.take(10)
            assert frame is not None
            sizes.append((frame.display_width, frame.display_height, frame.width, frame.height))
        live.go_on.release()
    assert sizes == [(32, 24, 32, 24), (128, 64, 64, 32)]


def test_a_broken_source_is_opened_again_and_says_why_it_waits() -> None:
    opened: list[Given] = []

    def open_one(_uri: str) -> Given:
        opened.append(Given((32, 24), error="the cable is out"))
        return opened[-1]

    with reader(open_one) as source:
        until(lambda: len(opened) == 1)
        opened[0].go_on.release()
        assert source.take(10) is not None
        assert source.condition.state is LiveState.STREAMING
        opened[0].go_on.release()
        until(lambda: source.condition.state is LiveState.BACKING_OFF)
        assert source.condition.reason == "the cable is out"
        until(lambda: len(opened) == 2)
        opened[1].go_on.release()
        assert source.take(10) is not None
        assert source.condition.state is LiveState.STREAMING
        opened[1].go_on.release()
    assert source.counters().captured == 2


def test_a_source_that_keeps_the_connection_and_sends_nothing_is_stalled() -> None:
    clocks, live = Clocks(), Given((32, 24))
    with reader(lambda _uri: live, clocks.clock()) as source:
        live.go_on.release()
        assert source.take(10) is not None
        clocks.pass_time(STALL_S - 0.1)
        assert source.condition.state is LiveState.STREAMING
        clocks.pass_time(0.2)
        assert source.condition.state is LiveState.STALLED
        assert "no frame" in source.condition.reason
        live.go_on.release()


def test_reading_that_dies_of_the_unexpected_says_so_without_a_password() -> None:
    def crash(uri: str) -> LiveInput:
        raise ValueError("no port in rtsp://me:s3cret@camera")

    with reader(crash) as source:
        until(lambda: source.condition.state is LiveState.FAILED)
        with pytest.raises(SourceError, match="no port in") as raised:
            source.take(10)
    assert "s3cret" not in raised.value.line() + source.condition.reason


def test_refused_credentials_are_not_tried_again_at_once() -> None:
    tries: list[str] = []

    def refuse(uri: str) -> LiveInput:
        tries.append(uri)
        raise CredentialsRefusedError("wrong password")

    with reader(refuse) as source:
        until(lambda: source.condition.state is LiveState.FAILED)
        assert (source.condition.reason, len(tries)) == ("wrong password", 1)


def test_refused_credentials_are_tried_again_after_a_pause() -> None:
    live, tries = Given((32, 24)), []

    def refuse_twice(uri: str) -> LiveInput:
        tries.append(uri)
        if len(tries) < 3:
            raise CredentialsRefusedError("wrong password")
        return live

    with LiveReader(
        "rtsp://camera/live", fps=None, max_side=64, opener=refuse_twice, refused_pause_s=0.01
    ) as source:
        until(lambda: len(tries) == 3)
        live.go_on.release()
        assert source.take(10) is not None
        assert source.condition.state is LiveState.STREAMING
        live.go_on.release()


def test_an_attempt_that_hangs_is_told_by_its_age() -> None:
    clocks, live, answered = Clocks(), Given((32, 24)), threading.Event()
    opening = threading.Event()

    def hang(uri: str) -> LiveInput:
        opening.set()
        assert answered.wait(20)
        return live

    with reader(hang, clocks.clock()) as source:
        assert opening.wait(20)
        clocks.pass_time(31)
        assert source.hung_s >= 31
        answered.set()
        live.go_on.release()
        assert source.take(10) is not None
        assert source.hung_s == 0
        clocks.pass_time(STALL_S + 31)
        assert source.hung_s >= 31
        live.go_on.release()


def test_a_file_is_played_at_its_own_pace_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    write_video(path, steady(10, rate=20))
    taken = []
    with LiveReader(str(path), fps=None, max_side=640) as source:
        while frame := source.take(5):
            taken.append(frame)
        until(lambda: source.ended)
    assert source.counters().captured == 10
    assert taken[-1].captured_s - taken[0].captured_s >= 0.4


def test_a_file_that_is_played_in_a_loop_begins_anew_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    write_video(path, steady(5, rate=20))
    with LiveReader(str(path), fps=None, max_side=640, looped=True) as source:
        taken = [source.take(5) for _ in range(12)]
        assert not source.ended and source.condition.state is LiveState.STREAMING
    times = [frame.captured_s for frame in taken if frame is not None]
    assert len(times) == 12
    assert times[-1] - times[0] >= 0.4, "each round keeps its pace"


@pytest.mark.parametrize(
    "uri",
    [
        *("ftp://host/a", "file:///etc/passwd", "rtsp-typo://u:s3cret@host/", "/no/such/file.mp4"),
        *("rtsp://127.0.0.1:99999/x", "rtsp://u:a#s3cret@127.0.0.1:9/live", "http://[::1"),
    ],
)
def test_what_is_no_live_source_is_one_line(uri: str) -> None:
    with pytest.raises(SourceError) as raised:
        open_live(uri)
    assert "s3cret" not in raised.value.line()


def test_a_reference_may_stand_for_any_part_of_a_uri() -> None:
    check_uri("rtsp://${USER}:${PASSWORD}@${HOST}:${PORT}/live")
