"""Reads a picture for the page Try an image, in a process of its own that may die of it."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from typing import Any, Final

from contracts.errors import MoodlineError
from moodline.adapters.image_process import HEADER

_START_S: Final = 60.0
_READ_S: Final = 15.0
_WAIT_S: Final = 20.0
_MOST_LINE: Final = 2**20


class ImageDesk:
    """One process, started with the first picture, that reads one picture at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, data: bytes) -> dict[str, Any]:
        """{width, height, faces} as inference_worker.pictures.single_image has them. Raises MoodlineError."""
        if not self._lock.acquire(timeout=_WAIT_S):
            raise MoodlineError("others show pictures just now", hint="Try again in a moment")
        try:
            process = self._ready()
            assert process.stdin is not None
            try:
                process.stdin.write(HEADER.pack(len(data)) + data)
                process.stdin.flush()
                told = self._line(process, _READ_S)
            except (OSError, TimeoutError) as exc:
                self._stop()
                raise MoodlineError(
                    "that picture could not be read: it takes too much time or memory",
                    hint="Try a smaller one, as JPEG or PNG",
                ) from exc
        finally:
            self._lock.release()
        if "error" in told:
            raise MoodlineError(told["error"])
        return told

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _ready(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        # It ends with its standard input, so with this process, however that ends.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moodline.adapters.image_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._line(self._process, _START_S)
        except (OSError, TimeoutError) as exc:
            self._stop()
            raise MoodlineError(
                "the model could not be loaded", hint="`moodline doctor` says why"
            ) from exc
        return self._process

    def _line(self, process: "subprocess.Popen[bytes]", timeout_s: float) -> dict[str, Any]:
        """Its next line. Raises TimeoutError, and OSError when it ended."""
        assert process.stdout is not None
        until, found = time.monotonic() + timeout_s, b""
        while not found.endswith(b"\n"):
            left_s = until - time.monotonic()
            if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
                raise TimeoutError
            some = os.read(process.stdout.fileno(), 65536)
            if not some or len(found) > _MOST_LINE:
                raise BrokenPipeError
            found += some
        told: dict[str, Any] = json.loads(found)
        return told

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    try:
                        pipe.close()
                    except OSError:
                        continue
        self._process = None
