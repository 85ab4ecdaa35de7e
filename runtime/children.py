"""Child processes that end with their parent, however it ends."""

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from runtime.death_signal import death_signal
from runtime.logs import plain_line

_STOP_S: Final = 5.0


def start_child(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: Path | None,
    piped: bool = False,
) -> "subprocess.Popen[str]":
    """Start a process that the kernel kills when this one dies. Call from the main thread.

    Its standard error goes to the end of `log`, or to this process's own; `piped` opens standard
    input and output.
    """
    pipe = subprocess.PIPE if piped else subprocess.DEVNULL
    with log.open("ab") if log else nullcontext() as errors:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            stdin=pipe,
            stdout=pipe,
            stderr=errors,
            text=True,
            bufsize=1,
            env=dict(env),
            preexec_fn=death_signal(),  # noqa: PLW1509  (single-threaded here)
            # Ctrl-C reaches this process only, which then stops its children in order.
            start_new_session=True,
        )


def stop_child(child: "subprocess.Popen[str]") -> None:
    """Ask the process to end, and kill it if it does not in time."""
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


def end_of_log(log: Path, lines: int = 1) -> str:
    """The last lines of a child's log, for an error message; "" when it wrote nothing."""
    try:
        ends = log.read_text(errors="replace").strip().splitlines()[-lines:]
    except FileNotFoundError:
        return ""
    return "\n".join(map(plain_line, ends))
