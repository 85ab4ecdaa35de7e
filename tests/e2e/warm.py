"""Commands in processes forked after the imports, which take most of a short command's time.

A fork server imports the command line once and forks a process for each command, with its own exit
status, output and environment. The command's workers and ingest processes are forked from it, too.
Commands that a test starts, stops or kills are new processes: see `Installation.start`.
"""

import gc
import importlib
import multiprocessing
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from unittest.mock import patch

import moodline
from moodline.cli import main
from moodline.stack import ingestors
from runtime.processes import supervisor, warm_start
from runtime.processes.children import start_child
from tests.new_schema import copied_schema, schema_to_copy

_CHILDREN = {
    "inference_worker": "inference_worker.__main__",
    "ingest.files.process": "ingest.files.process",
}
"""The modules that a command starts with `python -m`, and where their `main` is."""
_MODULES = [
    one.name
    for one in pkgutil.walk_packages(moodline.__path__, "moodline.")
    if not (one.ispkg or one.name.endswith("__main__"))
]
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        __name__,
        *_CHILDREN.values(),
        *_MODULES,
        # What commands import when they run.
        "analytics.alerts.round",
        "analytics.export.exporter",
        "analytics.removal.erasure",
        "records.users.accounts",
        "rich.live",
        "typer.rich_utils",
    ]
)


@cache
def _start_server() -> None:
    with patch.dict(os.environ, warm_start.ONE_THREAD):
        forkserver.ensure_running()


def run_warm(
    words: Sequence[str], env: Mapping[str, str], timeout_s: float, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run `moodline WORDS` to its end. typed: its standard input. Raises TimeoutError."""
    _start_server()
    with tempfile.TemporaryDirectory() as folder:
        keys, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        keys.write_text(typed)
        process = _SERVER.Process(
            target=_command, args=(words, dict(env), _umask(), schema_to_copy(), keys, out, err)
        )
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"moodline {words} did not end: {err.read_text()[-2000:]}")
        return subprocess.CompletedProcess(
            words, process.exitcode, out.read_text(), err.read_text()
        )


def start_warm(module: str, *words: str) -> ForkServerProcess:
    """Start `python -m module WORDS` in a process that dies with this one."""
    _start_server()
    process = _SERVER.Process(target=_module, args=([module, *words], dict(os.environ), _umask()))
    process.start()
    return process


def _module(words: Sequence[str], env: Mapping[str, str], umask: int) -> None:
    _begin(env, umask)
    threading.Thread(target=_die_with_the_parent, daemon=True).start()
    sys.argv = list(words)
    importlib.import_module(words[0]).main()


def _command(
    words: Sequence[str], env: Mapping[str, str], umask: int, schema: Path | None, *files: Path
) -> None:
    _begin(env, umask)
    for number, path in enumerate(files):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = os.fdopen(0)  # The fork server has closed sys.stdin.
    sys.argv = ["moodline", *words]
    for one in (ingestors, supervisor, warm_start):
        one.start_child = _start_child  # type: ignore[attr-defined]
    # This process was forked from a server, and must not start another one.
    with (
        patch.object(forkserver._forkserver, "ensure_running"),
        # All is imported already.
        patch.object(warm_start.WarmStarts, "__enter__", lambda waiting: waiting),
        copied_schema(lambda: schema) if schema else nullcontext(),
    ):
        main()


def _start_child(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    log: Path | None,
    piped: bool = False,
) -> "subprocess.Popen[bytes] | _WarmChild":
    """Do as `runtime.processes.children.start_child`, but fork the child if it can be."""
    _, option, module, *words = map(str, arguments)
    if option != "-m" or module not in _CHILDREN or log is None:
        return start_child(arguments, env=env, log=log, piped=piped)
    return _WarmChild([module, *words], env, log, piped=piped)


class _WarmChild:
    """A forked child of a command, as its `subprocess.Popen` would be."""

    def __init__(
        self, words: Sequence[str], env: Mapping[str, str], log: Path, *, piped: bool
    ) -> None:
        self.stdin = self.stdout = None
        theirs: list[Connection] = []
        if piped:
            reader, ours = _SERVER.Pipe(duplex=False)
            mine, writer = _SERVER.Pipe(duplex=False)
            self.stdin = os.fdopen(os.dup(ours.fileno()), "wb", 0)
            self.stdout = os.fdopen(os.dup(mine.fileno()), "rb", 0)
            theirs = [reader, writer]
        self._process = _SERVER.Process(
            target=_child, args=(words, dict(env), _umask(), log, theirs)
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _child(
    words: Sequence[str],
    env: Mapping[str, str],
    umask: int,
    log: Path,
    pipes: Sequence[Connection],
) -> None:
    _begin(env, umask)
    # The kernel would kill it with its parent, which is the fork server here.
    threading.Thread(target=_die_with_the_parent, daemon=True).start()
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    for number, pipe in enumerate(pipes or [os.open(os.devnull, os.O_RDWR)] * 2):
        os.dup2(pipe if isinstance(pipe, int) else pipe.fileno(), number)
    sys.stdin = os.fdopen(0)
    sys.argv = list(words)
    importlib.import_module(_CHILDREN[words[0]]).main()


def _begin(env: Mapping[str, str], umask: int) -> None:
    gc.freeze()  # To look for garbage in all that was imported would copy its pages.
    os.setsid()
    os.umask(umask)
    os.environ.clear()
    os.environ.update(env)


def _umask() -> int:
    """Return the umask of this process."""
    os.umask(umask := os.umask(0o077))
    return umask


def _die_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGKILL)
