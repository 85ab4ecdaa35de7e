"""Commands in processes forked after the imports, which take most of a short command's time.

A fork server imports the command line once and forks a process for each command, with its own exit
status, output and environment.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from moodline.cli import main

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        __name__,
        "moodline.analysis.analyze",
        "moodline.commands.history.trends_report",
        "moodline.commands.recordings.run_report",
    ]
)


def run_warm(
    words: Sequence[str], env: Mapping[str, str], timeout_s: float, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run `moodline WORDS` to its end. typed: its standard input. Raises TimeoutError."""
    with tempfile.TemporaryDirectory() as folder:
        keys, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        keys.write_text(typed)
        process = _SERVER.Process(target=_command, args=(words, dict(env), keys, out, err))
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"moodline {words} did not end: {err.read_text()[-2000:]}")
        return subprocess.CompletedProcess(
            words, process.exitcode, out.read_text(), err.read_text()
        )


def _command(words: Sequence[str], env: Mapping[str, str], *files: Path) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    for number, path in enumerate(files):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = os.fdopen(0)  # The fork server has closed sys.stdin.
    sys.argv = ["moodline", *words]
    main()
