"""Messages between a parent and its children, over real pipes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.live_sources import LiveState
from ingest.files.progress_reports import ProgressReport, PublishRun
from ingest.live.supervision.orders import KillSource, StartSource, StopSource
from ingest.live.supervision.status_reports import ProcessEnded, SourceStatus
from runtime.pipes import MessageReader, PipeMessage, readable, send

SPEC = AnalysisSpec("haar-1", "m", AnalysisOptions(0.4, None, 24, 640))
STATUS = SourceStatus(
    "door", LiveState.STREAMING, "", datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "run-1", 4.9, 0.25
)


@dataclass(frozen=True, slots=True)
class Text(PipeMessage):
    text: str


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


@pytest.mark.parametrize(
    "message",
    [
        PublishRun("run-1", singly=True),
        ProgressReport("run-1", 3, 4096, "waits", ended=True, error="caf\udce9.mp4 is unreadable"),
        StartSource("door", SPEC),
        StopSource("door"),
        KillSource("door"),
        STATUS,
        ProcessEnded("door", -9),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_arrives_as_it_was_sent(pipe: tuple[int, int], message: PipeMessage) -> None:
    send(pipe[1], message)
    assert MessageReader[PipeMessage](pipe[0], type(message)).read(1.0) == [message]


def test_messages_of_several_types_keep_their_order(pipe: tuple[int, int]) -> None:
    sent = [STATUS, ProcessEnded("door", 1), STATUS]
    for message in sent:
        send(pipe[1], message)
    reader = MessageReader[SourceStatus | ProcessEnded](pipe[0], SourceStatus, ProcessEnded)
    assert reader.read(1.0) == sent


def test_half_a_line_waits_for_its_rest(pipe: tuple[int, int]) -> None:
    send(pipe[1], Text("first"))
    line = os.read(pipe[0], 4096)
    reader = MessageReader(pipe[0], Text)
    os.write(pipe[1], line + line[:10])
    assert reader.read(1.0) == [Text("first")]
    assert reader.read() == []
    os.write(pipe[1], line[10:])
    assert reader.read(1.0) == [Text("first")]


def test_a_closed_pipe_ends_the_reader_after_its_last_message(pipe: tuple[int, int]) -> None:
    reader = MessageReader(pipe[0], Text)
    send(pipe[1], Text("last"))
    os.close(pipe[1])
    assert readable([reader], 1.0) == [reader]
    assert reader.read() == [Text("last")]
    assert reader.ended
    assert reader.read(10.0) == []


def test_a_reader_without_messages_does_not_block(pipe: tuple[int, int]) -> None:
    reader = MessageReader(pipe[0], Text)
    assert reader.read() == [] and not reader.ended
    assert readable([reader], 0.0) == []


@pytest.mark.parametrize("line", [b"garbage\n", b'{"type": "Other", "fields": {}}\n', b"[1]\n"])
def test_an_invalid_line_raises(pipe: tuple[int, int], line: bytes) -> None:
    os.write(pipe[1], line)
    with pytest.raises(ValueError, match="invalid message"):
        MessageReader(pipe[0], Text).read(1.0)


def test_a_message_to_an_ended_reader_raises(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(BrokenPipeError):
        send(pipe[1], Text("too late"))


def test_a_message_larger_than_the_pipe_arrives_whole(pipe: tuple[int, int]) -> None:
    long = Text("x" * 300_000)
    reader, found = MessageReader(pipe[0], Text), []
    if os.fork() == 0:
        send(pipe[1], long)
        os._exit(0)
    os.close(pipe[1])
    while not reader.ended:
        found += reader.read(10.0)
    os.wait()
    assert found == [long]


@pytest.mark.parametrize("reason", ["y" * 1000, "\u00e9" * 1000])
def test_a_status_fits_into_one_write(reason: str, pipe: tuple[int, int]) -> None:
    status = SourceStatus("d" * 64, LiveState.BACKING_OFF, reason, STATUS.since, "r" * 64, 30.0)
    send(pipe[1], status)
    assert len(os.read(pipe[0], 65536)) <= 4096
