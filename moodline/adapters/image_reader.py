"""Images for the page Try an image, analysed in a child process that an image may crash."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final

from pydantic import TypeAdapter

from contracts.errors import MoodlineError
from moodline.adapters.image_process import HEADER
from serving.services import ImageReading

_START_TIMEOUT_S: Final = 60.0
_READ_TIMEOUT_S: Final = 15.0
_QUEUE_TIMEOUT_S: Final = 20.0
_MAX_ANSWER_BYTES: Final = 2**20
_READING: Final = TypeAdapter(ImageReading)


class ImageReader:
    """One child process, started with the first image, which analyses one image at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, data: bytes) -> ImageReading:
        """Detect and classify the faces in an image file. Raises MoodlineError."""
        if not self._lock.acquire(timeout=_QUEUE_TIMEOUT_S):
            raise MoodlineError(
                "other images are being analysed", hint="Try again in a few seconds"
            )
        try:
            process = self._running()
            assert process.stdin is not None
            try:
                process.stdin.write(HEADER.pack(len(data)) + data)
                process.stdin.flush()
                answer = self._read_line(process, _READ_TIMEOUT_S)
            except (OSError, TimeoutError) as exc:
                self._stop()
                raise MoodlineError(
                    "the image needs too much time or memory",
                    hint="Try a smaller one, as JPEG or PNG",
                ) from exc
        finally:
            self._lock.release()
        if "error" in answer:
            raise MoodlineError(answer["error"])
        return _READING.validate_python(answer)

    def close(self) -> None:
        """End the child process."""
        with self._lock:
            self._stop()

    def _running(self) -> "subprocess.Popen[bytes]":
        """Return the child process; start one if none runs. Raises MoodlineError."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._stop()
        # It ends when its standard input closes, so it never outlives this process.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moodline.adapters.image_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._read_line(self._process, _START_TIMEOUT_S)
        except (OSError, TimeoutError) as exc:
            self._stop()
            raise MoodlineError(
                "the model could not be loaded", hint="Run `moodline doctor` to see why"
            ) from exc
        return self._process

    def _read_line(self, process: "subprocess.Popen[bytes]", timeout_s: float) -> dict[str, Any]:
        """Return the next line. Raises TimeoutError, and OSError if the process has ended."""
        assert process.stdout is not None
        deadline_s, line = time.monotonic() + timeout_s, b""
        while not line.endswith(b"\n"):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not select.select([process.stdout], [], [], left_s)[0]:
                raise TimeoutError
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk or len(line) > _MAX_ANSWER_BYTES:
                raise BrokenPipeError
            line += chunk
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process = None
