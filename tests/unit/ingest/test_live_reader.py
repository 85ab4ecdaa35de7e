"""LiveReader: newest frame, counts, reconnection and condition; its clock and its status."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import av
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
    """A wall clock that a test can set, and a monotonic clock that it can only advance."""

    def __init__(self) -> None:
        self.wall_s, self.monotonic_s = 1.7e9, 50.0

    def pass_time(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    def clock(self) -> LiveClock:
        return LiveClock(lambda: self.wall_s, lambda: self.monotonic_s)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-0.1, 0.1)), max_size=15))
def test_capture_time_does_not_run_backwards_at_small_clock_corrections(
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
def test_capture_time_follows_a_step_of_the_wall_clock_and_counts_it(step_s: float) -> None:
    clocks = Clocks()
    clock = clocks.clock()
    before = clock.captured_at()
    clocks.wall_s += step_s
    clocks.pass_time(1.0)
    assert clock.captured_at() - before == timedelta(seconds=step_s + 1.0)
    assert clock.steps == 1


def test_a_step_of_the_wall_clock_starts_an_interval_and_is_reported() -> None:
    clocks = Clocks()
    source = reader(lambda _uri: SteppedInput(), clocks.clock())
    builder = StatusBuilder("door", source)
    before = builder.build("", "")
    clocks.pass_time(10)
    assert (builder.build("", "").since, before.reason) == (before.since, "")
    clocks.wall_s += 3600
    status = builder.build("", "")
    assert status.since != before.since and "clock" in status.reason
    clocks.pass_time(61)
    later = builder.build("", "")
    assert (later.since, later.reason) == (status.since, "")


class SteppedInput(LiveInput):
    """A source whose frames the test releases one by one."""

    def __init__(self, *shapes: tuple[int, int], error: str = "") -> None:
        self.aspect, self.corrupt = Fraction(1), 0
        self.release_frame, self.closed = threading.Semaphore(0), False
        self._shapes, self._error = shapes, error

    def frames(self) -> Iterator[InputFrame]:
        for width, height in self._shapes:
            assert self.release_frame.acquire(timeout=20)
            pixels = np.zeros((height, width), np.uint8)
            yield InputFrame(VideoFrame.from_ndarray(pixels, format="gray"), None)
        assert self.release_frame.acquire(timeout=20)
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
    raise AssertionError("the condition did not become true in time")


def test_only_the_newest_frame_is_kept_and_every_frame_is_counted() -> None:
    live = SteppedInput(*[(32, 24)] * 5)
    with reader(lambda _uri: live) as source:
        for _ in range(4):
            live.release_frame.release()
        until(lambda: source.counters().captured == 4)
        until(lambda: source.counters().dropped == {"newest": 3})
        taken = source.take(10)
        live.release_frame.release()
        until(lambda: source.counters().captured == 5)
        live.release_frame.release()
    assert taken is not None and taken.number == 4
    # One of five was taken. The last one was dropped at close.
    assert source.counters().dropped == {"newest": 4}
    assert live.closed


def test_a_frame_of_another_size_is_converted_to_its_own_size() -> None:
    live = SteppedInput((32, 24), (128, 64))
    with reader(lambda _uri: live) as source:
        sizes = []
        for _ in range(2):
            live.release_frame.release()
            frame = source.take(10)
            assert frame is not None
            sizes.append((frame.display_width, frame.display_height, frame.width, frame.height))
        live.release_frame.release()
    assert sizes == [(32, 24, 32, 24), (128, 64, 64, 32)]


def test_a_broken_source_is_reopened_and_its_condition_gives_the_reason() -> None:
    opened: list[SteppedInput] = []

    def open_one(_uri: str) -> SteppedInput:
        opened.append(SteppedInput((32, 24), error="the cable is out"))
        return opened[-1]

    with reader(open_one) as source:
        until(lambda: len(opened) == 1)
        opened[0].release_frame.release()
        assert source.take(10) is not None
        assert source.condition.state is LiveState.STREAMING
        opened[0].release_frame.release()
        until(lambda: source.condition.state is LiveState.BACKING_OFF)
        assert source.condition.reason == "the cable is out"
        until(lambda: len(opened) == 2)
        opened[1].release_frame.release()
        assert source.take(10) is not None
        assert source.condition.state is LiveState.STREAMING
        opened[1].release_frame.release()
    assert source.counters().captured == 2


def test_a_connected_source_that_sends_nothing_is_stalled() -> None:
    clocks, live = Clocks(), SteppedInput((32, 24))
    with reader(lambda _uri: live, clocks.clock()) as source:
        live.release_frame.release()
        assert source.take(10) is not None
        clocks.pass_time(STALL_S - 0.1)
        assert source.condition.state is LiveState.STREAMING
        clocks.pass_time(0.2)
        assert source.condition.state is LiveState.STALLED
        assert "no frame" in source.condition.reason
        live.release_frame.release()


def test_an_unexpected_error_is_reported_without_the_password() -> None:
    def crash(uri: str) -> LiveInput:
        raise ValueError("no port in rtsp://me:s3cret@camera")

    with reader(crash) as source:
        until(lambda: source.condition.state is LiveState.FAILED)
        with pytest.raises(SourceError, match="no port in") as raised:
            source.take(10)
    assert "s3cret" not in raised.value.line() + source.condition.reason


def test_refused_credentials_are_not_retried_at_once() -> None:
    tries: list[str] = []

    def refuse(uri: str) -> LiveInput:
        tries.append(uri)
        raise CredentialsRefusedError("wrong password")

    with reader(refuse) as source:
        until(lambda: source.condition.state is LiveState.FAILED)
        assert (source.condition.reason, len(tries)) == ("wrong password", 1)


def test_refused_credentials_are_retried_after_a_pause() -> None:
    live, tries = SteppedInput((32, 24)), []

    def refuse_twice(uri: str) -> LiveInput:
        tries.append(uri)
        if len(tries) < 3:
            raise CredentialsRefusedError("wrong password")
        return live

    with LiveReader(
        "rtsp://camera/live", fps=None, max_side=64, opener=refuse_twice, refused_pause_s=0.01
    ) as source:
        until(lambda: len(tries) == 3)
        live.release_frame.release()
        assert source.take(10) is not None
        assert source.condition.state is LiveState.STREAMING
        live.release_frame.release()


def test_hung_s_is_the_age_of_a_hanging_attempt_or_stall() -> None:
    clocks, live, answered = Clocks(), SteppedInput((32, 24)), threading.Event()
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
        live.release_frame.release()
        assert source.take(10) is not None
        assert source.hung_s == 0
        clocks.pass_time(STALL_S + 31)
        assert source.hung_s >= 31
        live.release_frame.release()


def test_a_file_is_played_at_its_own_pace_until_its_end(tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    write_video(path, steady(10, rate=20))
    taken = []
    with LiveReader(str(path), fps=None, max_side=640) as source:
        while frame := source.take(5):
            taken.append(frame)
        until(lambda: source.ended)
    assert source.counters().captured == 10
    assert taken[-1].captured_s - taken[0].captured_s >= 0.4


def test_a_looped_file_is_played_again_at_the_same_pace(tmp_path: Path) -> None:
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
def test_an_invalid_uri_is_refused_without_showing_the_password(uri: str) -> None:
    with pytest.raises(SourceError) as raised:
        open_live(uri)
    assert "s3cret" not in raised.value.line()


def test_environment_references_may_replace_any_part_of_a_uri() -> None:
    check_uri("rtsp://${USER}:${PASSWORD}@${HOST}:${PORT}/live")


@pytest.mark.parametrize(
    "error", [av.error.ExitError(1, "Immediate exit requested"), TimeoutError()]
)
def test_a_time_out_of_ffmpeg_is_called_one(error: Exception) -> None:
    with (
        patch("ingest.live.opening._open_rtsp", side_effect=error),
        pytest.raises(SourceError) as raised,
    ):
        open_live("rtsp://192.0.2.1/live")
    assert raised.value.detail == "it did not send its video within 8 s"
