"""Chroma: encoding round-trips, and everything else is no colour."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.chroma import chroma_bytes, decode_chroma, encode_chroma

sides = st.integers(1, 24)


@st.composite
def colours(draw: st.DrawFn) -> tuple[bytes, int, int]:
    width, height = draw(sides), draw(sides)
    size = chroma_bytes(width, height)
    return draw(st.binary(min_size=size, max_size=size)), width, height


@given(colours())
def test_decoded_chroma_equals_the_encoded_one(colour: tuple[bytes, int, int]) -> None:
    planes, width, height = colour
    assert decode_chroma(encode_chroma(planes, width, height), width, height) == planes


@given(colours(), sides, sides)
def test_chroma_of_another_size_is_no_colour(
    colour: tuple[bytes, int, int], width: int, height: int
) -> None:
    encoded = encode_chroma(*colour)
    if (width, height) != colour[1:]:
        assert decode_chroma(encoded, width, height) == b""


@given(colours(), st.data())
def test_truncated_and_longer_chroma_is_no_colour(
    colour: tuple[bytes, int, int], data: st.DataObject
) -> None:
    _, width, height = colour
    encoded = encode_chroma(*colour)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    assert decode_chroma(encoded[:cut], width, height) == b""
    assert decode_chroma(encoded + b"\0", width, height) == b""


@given(colours(), st.integers(0, 6), st.integers(1, 255))
def test_a_changed_header_is_no_colour(
    colour: tuple[bytes, int, int], place: int, change: int
) -> None:
    _, width, height = colour
    encoded = bytearray(encode_chroma(*colour))
    encoded[place] ^= change
    assert decode_chroma(bytes(encoded), width, height) == b""


@given(st.binary(max_size=200), sides, sides)
def test_random_bytes_are_no_colour(data: bytes, width: int, height: int) -> None:
    assert decode_chroma(data, width, height) == b""
