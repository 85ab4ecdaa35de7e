"""JpegStream: the pictures in answers of cameras that do not write them as the standard says."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.live.network.jpeg_stream import JpegStream
from tests.cameras import jpeg

PICTURES = [jpeg((64, 48), level) for level in (10, 60, 110, 160, 210)]
HEAD = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
NO_LENGTH = b"Content-Type: image/jpeg\r\n\r\n"


class Pieces:
    """A body that arrives in pieces of these sizes."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, itertools.cycle(sizes)
        self.closed = False

    def read(self, size: int) -> bytes:
        taken = min(next(self._sizes), size)
        piece, self._data = self._data[:taken], self._data[taken:]
        return piece

    def close(self) -> None:
        self.closed = True


def answer(kind: str) -> bytes:
    parts = {
        "standard": [b"--frame\r\n" + HEAD % len(one) + one + b"\r\n" for one in PICTURES],
        "bare": PICTURES,
        "without dashes": [b"frame\r\n" + HEAD % len(one) + one + b"\r\n" for one in PICTURES],
        "without lengths": [b"--frame\r\n" + NO_LENGTH + one + b"\r\n" for one in PICTURES],
        "with wrong lengths": [b"--frame\r\n" + HEAD % 7 + one + b"\r\n" for one in PICTURES],
    }
    if kind == "without the first boundary":
        return b"".join(parts["standard"])[len(b"--frame\r\n") :]
    return b"".join(parts[kind])


def pictures_of(data: bytes) -> list[bytes]:
    """Return the pictures in well-formed parts."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        assert head.startswith(b"--part\r\nContent-Type: image/jpeg\r\nContent-Length: ")
        length = int(head.rpartition(b" ")[2])
        found.append(data[:length])
        assert data[length : length + 2] == b"\r\n"
        data = data[length + 2 :]
    return found


@pytest.mark.parametrize(
    "kind",
    [
        "standard",
        "bare",
        "without the first boundary",
        "without dashes",
        "without lengths",
        "with wrong lengths",
    ],
)
@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 700), min_size=1, max_size=5))
def test_every_picture_is_found_however_the_answer_arrives(kind: str, sizes: list[int]) -> None:
    body = Pieces(answer(kind), sizes)
    stream = JpegStream(body)
    assert pictures_of(b"".join(iter(lambda: stream.read(100), b""))) == PICTURES
    stream.close()
    assert body.closed


def test_a_picture_that_is_cut_off_does_not_take_the_next_with_it() -> None:
    first, second, third = PICTURES[:3]
    data = b"--frame\r\n".join([first, second[:-10], third])
    stream = JpegStream(Pieces(data, [500]))
    found = pictures_of(b"".join(iter(lambda: stream.read(4096), b"")))
    assert (found[0], found[-1]) == (first, third)
    assert found[1].startswith(second[:-10])


def test_a_picture_is_given_out_before_the_next_one_comes() -> None:
    stream = JpegStream(Pieces(PICTURES[0] + PICTURES[1][:20], [10_000]))
    assert PICTURES[0] in stream.read(100_000)


@pytest.mark.parametrize("filler", [b"no picture", b"\xff\xd8\xff\xe0\x00\x10"])
def test_an_answer_without_pictures_is_refused_before_it_fills_memory(filler: bytes) -> None:
    class Endless:
        read_bytes = 0

        def read(self, size: int) -> bytes:
            self.read_bytes += size
            assert self.read_bytes < 100 * 2**20, "it reads on and on"
            return (filler * size)[:size] if filler[0] != 0xFF else filler + bytes(size - 6)

        def close(self) -> None: ...

    with pytest.raises(ConnectionError, match="no JPEG pictures"):
        JpegStream(Endless()).read(100)
