"""Hostile messages and mutated recordings: no crash, no hang, no leak."""

import json
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from contracts.errors import FrameDecodeError
from contracts.frames import decode
from tests.hostile import hostile_messages, media_seeds

SEED, STUCK_S = 20261123, 240.0
"""STUCK_S: a reader that prints nothing for so long hangs. Each file takes it milliseconds."""
READER = """
import json, sys
from pathlib import Path
import psutil
from contracts.errors import SourceError
from ingest.files.source import FileSource
from tests.hostile import hostile_file

folder, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
seeds = tuple(sorted((folder / "seeds").iterdir()))
for seed in range(first, first + count):
    path = folder / f"hostile{seeds[seed % len(seeds)].suffix}"
    hostile_file(seed, seeds, path)
    frames, error = 0, ""
    try:
        with FileSource(path, fps=None, max_side=640) as source:
            for frame in source.frames(""):
                frames += 1
                assert len(frame.luma) == frame.width * frame.height
    except SourceError as exc:
        error = exc.line()
    rss = psutil.Process().memory_info().rss
    print(json.dumps({"seed": seed, "frames": frames, "error": error, "rss": rss}), flush=True)
"""


def hostile_messages_hold(count: int) -> tuple[int, int, int]:
    """How many were refused and read, and by how many bytes the process grew."""
    refused = read = 0
    process, grown_from = psutil.Process(), 0
    for number, data in enumerate(hostile_messages(SEED, count)):
        if number == count // 5:
            grown_from = process.memory_info().rss
        try:
            message = decode(data)
        except FrameDecodeError as exc:
            assert len(exc.line()) < 6000
            refused += 1
        else:
            assert decode(message.encode()) == message
            read += 1
    return refused, read, process.memory_info().rss - grown_from


def test_hostile_messages_are_refused_or_read() -> None:
    count = 20_000
    refused, read, _ = hostile_messages_hold(count)
    assert refused + read == count
    assert refused > 0.8 * count
    assert read > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_million_hostile_messages() -> None:
    begin = time.monotonic()
    refused, read, grown = hostile_messages_hold(1_000_000)
    seconds = time.monotonic() - begin
    print(f"{refused:,} refused, {read:,} read, {grown / 2**20:.1f} MiB grown, {seconds:.0f} s")
    assert grown < 4 * 2**20


@dataclass
class Reading:
    """The results of many mutated recordings, each read in a process of its own."""

    read: int = 0
    refused: int = 0
    crashed: int = 0
    stuck: int = 0
    slowest_s: float = 0.0
    growth: int = 0


def read_hostile_files(folder: Path, count: int) -> Reading:
    (folder / "seeds").mkdir()
    media_seeds(folder / "seeds")
    found, seed = Reading(), 0
    while seed < count:
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", READER, str(folder), str(seed), str(count - seed)],
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=Path(__file__).parents[3],
            )
        assert process.stdout is not None
        sizes: list[int] = []
        while seed < count:
            begin = time.monotonic()
            if not select.select([process.stdout], [], [], STUCK_S)[0]:
                found.stuck += 1
                process.kill()
                break
            line = process.stdout.readline()
            if not line:
                break
            told = json.loads(line)
            assert told["seed"] == seed
            found.refused += bool(told["error"])
            found.read += not told["error"]
            if sizes:  # The first one waits for the imports.
                found.slowest_s = max(found.slowest_s, time.monotonic() - begin)
            sizes.append(told["rss"])
            seed += 1
        process.stdout.close()
        if process.wait(60) != 0:
            said = (folder / "errors").read_text(errors="replace")
            assert "Traceback" not in said, f"seed {seed}: {said[-2000:]}"
            found.crashed += process.returncode not in (0, -9)
            print(f"seed {seed}: ended with {process.returncode}")
            seed += 1
        if len(sizes) > 200:
            half = len(sizes) // 2
            found.growth = max(found.growth, sizes[-1] - sizes[half])
    return found


def test_mutated_recordings_are_read_or_refused(tmp_path: Path) -> None:
    found = read_hostile_files(tmp_path, 150)
    assert (found.crashed, found.stuck) == (0, 0)
    assert found.read > 20 and found.refused > 5


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_five_thousand_mutated_recordings(tmp_path: Path) -> None:
    found = read_hostile_files(tmp_path, 5000)
    print(found)
    assert (found.crashed, found.stuck) == (0, 0)
    assert found.growth < 32 * 2**20
