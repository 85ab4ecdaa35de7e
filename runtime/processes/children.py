"""Child processes that end when their parent ends, for whatever reason."""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, Protocol

from runtime.processes.death_signal import death_signal

_STOP_S: Final = 5.0


class StartChild(Protocol):
    """Starts a process, as `start_child` does."""

    def __call__(
        self,
        arguments: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log: Path | None,
        piped: bool = False,
    ) -> "subprocess.Popen[bytes]": ...


def start_child(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: Path | None,
    piped: bool = False,
) -> "subprocess.Popen[bytes]":
    """Start a process that the kernel kills when this one dies. Call it from the main thread.

    log: file to append its standard error to; None: this process's standard error. piped: open
    its standard input and output; see `runtime.pipes`.
    """
    pipe = subprocess.PIPE if piped else subprocess.DEVNULL
    with log.open("ab") if log else nullcontext() as errors:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=pipe,
            stdout=pipe,
            stderr=errors,
            env=dict(env),
            preexec_fn=death_signal(),  # noqa: PLW1509  (single-threaded here)
            # Ctrl-C reaches this process only, which then stops its children in order.
            start_new_session=True,
        )


def stop_child(child: "subprocess.Popen[bytes]") -> None:
    """Send SIGTERM, and SIGKILL if the process has not ended after five seconds."""
    if child.stdin is not None:
        child.stdin.close()
    child.terminate()
    try:
        child.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def stop_children(children: Iterable["subprocess.Popen[bytes]"]) -> None:
    """Stop several processes side by side."""
    running = list(children)
    for child in running:
        child.terminate()
    for child in running:
        stop_child(child)


def last_log_lines(log: Path, lines: int = 1) -> str:
    """Return the last lines of a child's log, for an error message; "" if it is empty."""
    # Imported here: a command starts its children before it imports its log.
    from runtime.logs import readable_line

    try:
        found = log.read_text(errors="replace").strip().splitlines()[-lines:]
    except FileNotFoundError:
        return ""
    return "\n".join(map(readable_line, found))
