"""FrameMessage and End: encoding round-trips, and damaged messages are refused."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import FrameDecodeError
from contracts.frames import (
    EARLIEST_US,
    LATEST_US,
    MAX_COUNT,
    Counters,
    End,
    FrameMessage,
    decode,
)

counts = st.integers(0, MAX_COUNT)
counters = st.builds(
    Counters,
    captured=counts,
    sampled_out=counts,
    dropped=st.dictionaries(st.text(max_size=12), counts, max_size=4),
)


@st.composite
def frame_messages(draw: st.DrawFn) -> FrameMessage:
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    return FrameMessage(
        run_id=draw(st.text(min_size=1, max_size=40)),
        seq=draw(st.integers(1, MAX_COUNT)),
        frame_index=draw(counts),
        media_time_us=draw(st.integers(-MAX_COUNT, MAX_COUNT)),
        captured_at_us=draw(st.integers(EARLIEST_US, LATEST_US)),
        width=width,
        height=height,
        display_width=draw(st.integers(1, 8192)),
        display_height=draw(st.integers(1, 8192)),
        counters=draw(counters),
        luma=draw(st.binary(min_size=width * height, max_size=width * height)),
        cursor=draw(st.text(max_size=80)),
    )


ends = st.builds(
    End,
    run_id=st.text(min_size=1, max_size=40),
    seq=st.integers(1, MAX_COUNT),
    frames_total=counts,
    counters=counters,
    error=st.text(max_size=200),
)


def a_frame() -> FrameMessage:
    return FrameMessage("r", 1, 0, 0, 0, 4, 2, 4, 2, Counters(1), bytes(8))


@given(frame_messages() | ends)
def test_a_decoded_message_equals_the_encoded_one(message: FrameMessage | End) -> None:
    assert decode(message.encode()) == message


@given(frame_messages() | ends, st.data())
def test_a_truncated_message_is_refused(message: FrameMessage | End, data: st.DataObject) -> None:
    encoded = message.encode()
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(FrameDecodeError):
        decode(encoded[:cut])


@given(frame_messages() | ends, st.binary(min_size=1, max_size=20))
def test_trailing_bytes_are_refused(message: FrameMessage | End, tail: bytes) -> None:
    with pytest.raises(FrameDecodeError):
        decode(message.encode() + tail)


@given(st.binary(max_size=400))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(FrameDecodeError):
        decode(data)


@given(frame_messages(), st.data())
def test_a_changed_byte_raises_no_other_error(message: FrameMessage, data: st.DataObject) -> None:
    encoded = bytearray(message.encode())
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(FrameDecodeError):
        decode(bytes(encoded))


def test_the_error_for_another_version_names_both_versions() -> None:
    encoded = bytearray(a_frame().encode())
    encoded[2] = 9
    with pytest.raises(FrameDecodeError, match="version 9 is not supported; this is version 1"):
        decode(bytes(encoded))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seq", 0),
        ("seq", "1"),
        ("seq", True),
        ("seq", 2**70),
        ("width", 0),
        ("width", 10**9),
        ("frame_index", -1),
        ("captured", -1),
        ("dropped", [1]),
        ("dropped", {"corrupt": "3"}),
        ("run_id", ""),
        ("cursor", None),
    ],
)
def test_a_header_with_a_bad_value_is_refused(name: str, value: object) -> None:
    encoded = a_frame().encode()
    length = int.from_bytes(encoded[4:8], "big")
    header = json.loads(encoded[12 : 12 + length]) | {name: value}
    changed = json.dumps(header).encode()
    forged = b"".join(
        (encoded[:4], len(changed).to_bytes(4, "big"), encoded[8:12], changed, encoded[-8:])
    )
    with pytest.raises(FrameDecodeError):
        decode(forged)


def test_a_body_of_gigabytes_is_refused_from_its_header() -> None:
    encoded = bytearray(a_frame().encode())
    encoded[8:12] = (2**32 - 1).to_bytes(4, "big")
    with pytest.raises(FrameDecodeError, match="too large"):
        decode(bytes(encoded))
