"""The supervisor's end of the template process: it sends orders and receives reports."""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from contracts.analysis_spec import AnalysisSpec
from ingest.live.supervision.orders import KillSource, Order, StartSource, StopSource
from ingest.live.supervision.status_reports import ProcessEnded, Report, SourceStatus
from runtime.pipes import MessageReader, send
from runtime.processes.children import start_child, stop_child


class TemplateClient:
    """Starts the template, which forks one process a source. Call it from the main thread only."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._template: subprocess.Popen[bytes] | None = None
        self._reports: MessageReader[Report] | None = None

    @property
    def is_running(self) -> bool:
        """Whether the template runs; when it dies, the processes of all sources die with it."""
        return self._template is not None and self._template.poll() is None

    def open(self) -> None:
        """Start the template. Its imports take some seconds; orders wait in the pipe."""
        self.close()
        self._template = start_child(
            [sys.executable, "-m", "ingest.live.supervision.template"],
            env=self._env,
            log=None,
            piped=True,
        )
        assert self._template.stdout is not None
        self._reports = MessageReader[Report](
            self._template.stdout.fileno(), SourceStatus, ProcessEnded
        )

    def close(self) -> None:
        """Stop the template and all processes; each first accounts for the frames it captured."""
        if self._template is not None:
            stop_child(self._template)
            self._template = self._reports = None

    def start(self, source: str, spec: AnalysisSpec) -> None:
        """Start the source's process, unless it is running."""
        self._send(StartSource(source, spec))

    def stop(self, source: str) -> None:
        """Ask the source's process to end."""
        self._send(StopSource(source))

    def kill(self, source: str) -> None:
        """Kill the source's process."""
        self._send(KillSource(source))

    def reports(self) -> list[Report]:
        """Return the reports that have arrived, in their order."""
        return self._reports.read() if self._reports is not None else []

    def _send(self, order: Order) -> None:
        assert self._template is not None and self._template.stdin is not None
        with suppress(BrokenPipeError):  # The template died; the supervisor notices it next.
            send(self._template.stdin.fileno(), order)
