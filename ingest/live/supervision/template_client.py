"""The supervisor's end of the live sources' processes: start, stop, kill, and hear of them."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

import structlog

from contracts.analysis_spec import AnalysisSpec
from ingest.live.supervision.status_reports import Exited, LiveNews, decode
from runtime.children import start_child, stop_child

log = structlog.get_logger()


class Nursery:
    """Has the template process fork one process a source. Start it from the main thread."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._template: subprocess.Popen[str] | None = None
        self._unread = b""

    @property
    def is_open(self) -> bool:
        """Whether the template lives; when it dies, all of its processes do."""
        return self._template is not None and self._template.poll() is None

    def open(self) -> None:
        """Start the template, which takes some seconds to be ready; orders wait for it."""
        self.close()
        self._unread = b""
        self._template = start_child(
            [sys.executable, "-m", "ingest.live.supervision.template"],
            env=self._env,
            log=None,
            piped=True,
        )
        assert self._template.stdout is not None
        os.set_blocking(self._template.stdout.fileno(), False)

    def close(self) -> None:
        """End every process: each first says what it captured."""
        if self._template is not None:
            stop_child(self._template)
            self._template = None

    def start(self, source: str, pins: AnalysisSpec) -> None:
        """Begin to read the source; if its process lives already, nothing happens."""
        self._order({"do": "start", "source": source, "pins": pins.encode()})

    def stop(self, source: str) -> None:
        """Ask its process to end."""
        self._order({"do": "stop", "source": source})

    def kill(self, source: str) -> None:
        """End its process at once."""
        self._order({"do": "kill", "source": source})

    def heard(self) -> list[LiveNews | Exited]:
        """What the processes said since."""
        if self._template is None or self._template.stdout is None:
            return []
        with suppress(BlockingIOError):
            while found := os.read(self._template.stdout.fileno(), 65536):
                self._unread += found
        *lines, self._unread = self._unread.split(b"\n")
        return [decode(line) for line in lines]

    def _order(self, order: dict[str, str]) -> None:
        assert self._template is not None and self._template.stdin is not None
        with suppress(BrokenPipeError):  # It died; that is seen next.
            self._template.stdin.write(json.dumps(order) + "\n")
            self._template.stdin.flush()
