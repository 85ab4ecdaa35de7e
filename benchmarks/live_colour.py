"""The cost of colour in the live view: CPU time by turns with grey, and bytes on the broker.

python -m benchmarks.live_colour CLIP

A source at 5 frames a second, scaled to 720 pixels: ingest converts, encodes and signs each frame,
the worker checks it, and draws 2.5 views a second.
"""

import statistics
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeVar

import av
from av.video.frame import VideoFrame
from rich.console import Console

from benchmarks.results import write_result
from broker.signing import Signer
from contracts.chroma import decode_chroma, encode_chroma
from contracts.frame_results import FrameResult
from contracts.frames import Counters, FrameMessage, decode
from contracts.live_sources import DEFAULT_SIDE
from inference_worker.pictures.live_view import annotated_jpeg
from ingest.luma import LumaConverter
from ingest.orientation import Orientation

_FPS: Final = 5
_VIEWS_A_SECOND: Final = 2.5
_COLOURED_SHARE: Final = _VIEWS_A_SECOND / _FPS
_FRAMES: Final = 60
_ROUNDS: Final = 15
One = TypeVar("One")
Other = TypeVar("Other")
_SIGNER: Final = Signer(bytes(32))


def main(clip: str) -> None:
    """Print the milliseconds of each part, grey and coloured, and write every measurement."""
    console, frames = Console(), _frames(Path(clip))
    parts: dict[str, dict[str, list[float]]] = {}
    size = 0, 0
    for number in range(1 + _ROUNDS):
        for colour in (False, True) if number % 2 else (True, False):
            found, size = _measure(frames, colour=colour)
            if number:  # The first round fills the caches.
                for part, ms in found.items():
                    parts.setdefault(part, {}).setdefault(str(colour), []).append(ms)
    medians = {
        part: {kind: statistics.median(ms) for kind, ms in kinds.items()}
        for part, kinds in parts.items()
    }
    for part, both in medians.items():
        grey, coloured = both["False"], both["True"]
        console.print(f"{part}: grey {grey:.2f} ms, colour {coloured:.2f} ms a frame")
    # Ingest converts every analysed frame in colour, and sends colour with those that are drawn.
    added = {part: kinds["True"] - kinds["False"] for part, kinds in medians.items()}
    added_ms = _FPS * added["convert"] + _VIEWS_A_SECOND * (
        added["publish"] + added["receive"] + added["draw"]
    )
    luma, chroma = size
    share = chroma * _COLOURED_SHARE / luma
    console.print(f"colour adds {added_ms:.1f} ms of CPU a second and {share:.0%} of the bytes")
    measured = {"parts_ms": parts, "added_ms_a_second": added_ms, "bytes": size, "share": share}
    write_result("live-colour", {"clip": Path(clip).name, **measured}, [])


def _frames(clip: Path) -> list[VideoFrame]:
    with av.open(str(clip)) as container:
        return [frame for frame, _ in zip(container.decode(video=0), range(_FRAMES), strict=False)]


def _measure(frames: list[VideoFrame], *, colour: bool) -> tuple[dict[str, float], tuple[int, int]]:
    """Return milliseconds of CPU a frame by part, and the bytes of luma and chroma of a frame."""
    converter = LumaConverter(Orientation(), Fraction(1), DEFAULT_SIDE, colour=colour)
    convert_ms, lumas = _timed(converter.convert, frames)
    messages = [
        FrameMessage(
            "run",
            number + 1,
            number,
            0,
            0,
            luma.width,
            luma.height,
            luma.width,
            luma.height,
            Counters(),
            luma.pixels,
            chroma=luma.chroma,
        )
        for number, luma in enumerate(lumas)
    ]
    publish_ms, sent = _timed(_published, messages)
    receive_ms, received = _timed(_received, sent)
    draw_ms, _ = _timed(_drawn, received)
    parts = {
        "convert": convert_ms,
        "publish": publish_ms,
        "receive": receive_ms,
        "draw": draw_ms,
    }
    return parts, (len(lumas[0].pixels), len(lumas[0].chroma))


def _timed(action: Callable[[One], Other], values: list[One]) -> tuple[float, list[Other]]:
    begin = time.process_time()
    results = [action(one) for one in values]
    return (time.process_time() - begin) / len(values) * 1000, results


def _published(message: FrameMessage) -> tuple[bytes, bytes, bytes]:
    data, chroma = message.encode(), b""
    if message.chroma:
        chroma = encode_chroma(message.chroma, message.width, message.height)
        chroma = _SIGNER.signed("chroma", chroma)
    return data, _SIGNER.tag("message", data), chroma


def _received(sent: tuple[bytes, bytes, bytes]) -> FrameMessage:
    data, tag, signed = sent
    assert _SIGNER.is_valid("message", data, tag)
    message = decode(data)
    assert isinstance(message, FrameMessage)
    if not signed:
        return message
    chroma = _SIGNER.opened("chroma", signed) or b""
    return FrameMessage(
        message.run_id,
        message.seq,
        0,
        0,
        0,
        message.width,
        message.height,
        message.display_width,
        message.display_height,
        message.counters,
        message.luma,
        chroma=decode_chroma(chroma, message.width, message.height),
    )


def _drawn(message: FrameMessage) -> bytes:
    return annotated_jpeg(message, FrameResult(message.seq, 0, 0, 0, 0), blurred=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
