"""Seeded hostile input: damaged or malicious messages and media files."""

import json
import random
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from contracts.frames import Counters, End, FrameMessage
from tests.media import VideoSpec, steady, write_video

_WORDS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**40, 0.5, -0.0, 1e308),
    *(
        "",
        "\0",
        "é" * 40,
        "1",
        [],
        {},
        [[[]]],
        {"corrupt": -1},
        {"": 2**64},
        {"a": None},
        "x" * 5000,
    ),
)


def messages() -> tuple[bytes, ...]:
    """Return valid messages."""
    totals = Counters(9, 2, {"corrupt": 1})
    frame = FrameMessage("run", 7, 6, 240_000, 10**15, 8, 6, 16, 12, totals, bytes(48), "c")
    return frame.encode(), End("run", 8, 7, totals, "it broke").encode()


def hostile_messages(seed: int, count: int) -> Iterator[bytes]:
    """Yield messages with changed, missing or extra bytes, or with invalid headers."""
    chance, valid = random.Random(seed), messages()
    for _ in range(count):
        data = bytearray(chance.choice(valid))
        way = chance.randrange(7)
        if way == 0:
            yield chance.randbytes(chance.randrange(200))
        elif way == 1:
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            yield bytes(data)
        elif way == 2:
            yield bytes(data[: chance.randrange(len(data))])
        elif way == 3:
            yield bytes(data) + chance.randbytes(chance.randint(1, 40))
        elif way == 4:
            struct.pack_into(">II", data, 4, chance.getrandbits(32), chance.getrandbits(32))
            yield bytes(data)
        else:
            yield _other_header(chance, bytes(data), nonsense=way == 6)


def _other_header(chance: random.Random, data: bytes, *, nonsense: bool) -> bytes:
    length, _ = struct.unpack_from(">II", data, 4)
    header: Any = json.loads(data[12 : 12 + length])
    body = data[12 + length :]
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(list(header))
        if chance.random() < 0.2:
            del header[name]
        else:
            header[name] = chance.choice(_WORDS)
    encoded = json.dumps(header).encode()
    if nonsense:
        deep = b"[" * chance.randint(1, 60_000)
        encoded = chance.choice([deep, b'{"a":' * 5000, b"\xff" + encoded, b"NaN", b"", b"1e999"])
    return data[:4] + struct.pack(">II", len(encoded), len(body)) + encoded + body


def media_seeds(folder: Path) -> tuple[Path, ...]:
    """Write small recordings in common containers and codecs."""
    specs = {
        "a.mp4": VideoSpec(size=(64, 48), b_frames=2),
        "b.mkv": VideoSpec(size=(64, 48), codec="libvpx-vp9"),
        "c.avi": VideoSpec(size=(64, 48), codec="mpeg4", time_base=Fraction(1, 25)),
        "d.ts": VideoSpec(size=(64, 48)),
        "e.mov": VideoSpec(size=(64, 48), rotation=90, gop=4),
        "f.webm": VideoSpec(size=(64, 48), codec="libvpx"),
    }
    for name, spec in specs.items():
        write_video(folder / name, steady(12), spec)
    return tuple(folder / name for name in specs)


def hostile_file(seed: int, seeds: tuple[Path, ...], out: Path) -> None:
    """Write a damaged recording, which depends only on the seed."""
    chance = random.Random(seed)
    data = bytearray(chance.choice(seeds).read_bytes())
    # Half of the damage is near the ends, because the short headers matter most.
    near = chance.random() < 0.5
    for _ in range(chance.choice((1, 2, 5, 20, 100))):
        way = chance.randrange(5)
        reach = min(len(data), 2048) if near else len(data)
        at = chance.randrange(reach)
        at = len(data) - 1 - at if near and chance.random() < 0.5 else at
        size = chance.randint(1, 16)
        if way == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            data[at : at + size] = chance.randbytes(len(data[at : at + size]))
        elif way == 2:
            data[at : at + 4] = chance.choice(
                (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")
            )
        elif way == 3:
            del data[at : at + size]
        else:
            data[at:at] = data[at : at + size]
        data = data or bytearray(b"\0")
    if chance.random() < 0.2:
        del data[chance.randrange(len(data)) :]
    out.write_bytes(data)
