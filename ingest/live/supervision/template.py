"""The template process of the live sources: it has everything imported and forks their processes.

A fork reads its source within 50 ms, while a new interpreter takes seconds; and the memory of the
imported modules is shared. The template itself opens nothing and runs no FFmpeg.

Standard input: orders (`ingest.live.supervision.orders`); its end means stop. Standard output:
the sources' status and ended processes (`ingest.live.supervision.status_reports`).
"""

import gc
import os
import signal
import sys
import time
from typing import Final

import structlog

from contracts.analysis_spec import AnalysisSpec
from contracts.settings import Settings
from ingest.live.supervision.orders import KillSource, Order, StartSource, StopSource
from ingest.live.supervision.process import run_source
from ingest.live.supervision.status_reports import ProcessEnded
from runtime.logs import configure_logs
from runtime.pipes import MessageReader, send
from runtime.processes.death_signal import death_signal
from runtime.stop_signal import StopSignal

log = structlog.get_logger()

_POLL_S: Final = 0.05
_STOP_S: Final = 3.0


class _SourceProcesses:
    """The running processes, by source name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pids: dict[str, int] = {}

    def execute(self, order: Order) -> None:
        pid = self._pids.get(order.source)
        match order:
            case StartSource() if pid is None:
                self._pids[order.source] = self._fork(order.source, order.spec)
            case StopSource() if pid is not None:
                os.kill(pid, signal.SIGTERM)
            case KillSource() if pid is not None:
                os.kill(pid, signal.SIGKILL)

    def reap(self) -> None:
        """Report the processes that have ended."""
        for name, pid in list(self._pids.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._pids[name]
                report = ProcessEnded(name, os.waitstatus_to_exitcode(status))
                send(sys.stdout.fileno(), report)

    def stop(self) -> None:
        """Ask all processes to end, and kill those that have not ended after three seconds."""
        for pid in self._pids.values():
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _STOP_S
        while self._pids and time.monotonic() < until:
            self.reap()
            time.sleep(_POLL_S)
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)

    def _fork(self, name: str, spec: AnalysisSpec) -> int:
        die_with_parent = death_signal()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            if die_with_parent is not None:
                die_with_parent()
            os.close(sys.stdin.fileno())
            status = run_source(self._settings, name, spec)
        except BaseException:  # A forked child must never return into the template's code.
            log.exception("source process crashed", source=name)
        finally:
            sys.stderr.flush()
            os._exit(status)


def main() -> None:
    """Execute orders until standard input ends or SIGTERM comes."""
    settings = Settings.read()
    configure_logs(settings.log_level)
    structlog.contextvars.bind_contextvars(service="sources")
    processes = _SourceProcesses(settings)
    orders = MessageReader[Order](sys.stdin.fileno(), StartSource, StopSource, KillSource)
    stop = StopSignal()
    gc.freeze()  # No child's garbage collector touches, and so copies, the shared memory.
    while not (stop.is_set() or orders.ended):
        for order in orders.read(_POLL_S):
            processes.execute(order)
        processes.reap()
    processes.stop()


if __name__ == "__main__":
    main()
