"""The template of the live sources' processes: everything is imported, and a fork begins one.

A source is read 50 ms after it was asked for, where a new interpreter takes seconds; and what all
processes share is in memory once. This process opens nothing, and runs no FFmpeg.

Standard input: a JSON line for each order; its end means stop. Standard output: what the sources
tell, and a line for each process that ended; see `ingest.live.supervision.status_reports`.
"""

import gc
import json
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import structlog

from contracts.analysis_spec import AnalysisSpec
from contracts.settings import Settings
from ingest.live.supervision.process import run_source
from ingest.live.supervision.status_reports import Exited
from runtime.death_signal import death_signal
from runtime.logs import configure_logs

log = structlog.get_logger()

_LOOK_S: Final = 0.05
_STOP_S: Final = 3.0


@dataclass(slots=True)
class _Family:
    """The processes that live, by their sources' names."""

    settings: Settings
    pids: dict[str, int] = field(default_factory=dict)
    stopped: bool = False

    def obey(self, order: dict[str, Any]) -> None:
        """start NAME with pins, stop NAME, or kill NAME."""
        name = order["source"]
        if order["do"] == "start" and name not in self.pids:
            self.pids[name] = self._fork(name, AnalysisSpec.decode(order["pins"]))
        elif name in self.pids:
            signals = {"stop": signal.SIGTERM, "kill": signal.SIGKILL}
            os.kill(self.pids[name], signals[order["do"]])

    def reap(self) -> None:
        """Say which have ended."""
        for name, pid in list(self.pids.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self.pids[name]
                exited = Exited(name, os.waitstatus_to_exitcode(status))
                os.write(sys.stdout.fileno(), exited.encode())

    def end(self) -> None:
        """Stop them all, and kill those that do not."""
        for pid in self.pids.values():
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _STOP_S
        while self.pids and time.monotonic() < until:
            self.reap()
            time.sleep(_LOOK_S)
        for pid in self.pids.values():
            os.kill(pid, signal.SIGKILL)

    def ask_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopped = True

    def _fork(self, name: str, pins: AnalysisSpec) -> int:
        die_with_parent = death_signal()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            if die_with_parent is not None:
                die_with_parent()
            os.close(sys.stdin.fileno())
            status = run_source(self.settings, name, pins)
        except BaseException:  # A forked child: nothing may go on into the template's code.
            log.exception("source process crashed", source=name)
        finally:
            sys.stderr.flush()
            os._exit(status)


def main() -> None:
    """Obey until standard input ends, or SIGTERM."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    structlog.contextvars.bind_contextvars(service="sources")
    family = _Family(settings)
    gc.freeze()  # What is there now is shared for good: no child's collector touches it.
    signal.signal(signal.SIGTERM, family.ask_to_stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the supervisor's to handle.
    orders = b""
    while not family.stopped:
        if select.select([sys.stdin], [], [], _LOOK_S)[0]:
            read = os.read(sys.stdin.fileno(), 65536)
            if not read:
                break
            *lines, orders = (orders + read).split(b"\n")
            for line in lines:
                family.obey(json.loads(line))
        family.reap()
    family.end()


if __name__ == "__main__":
    main()
