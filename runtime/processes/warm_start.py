"""Processes that are started before their work is known, and import what they need meanwhile.

A Python process of the pipeline imports for half a second. A command knows only after its own
imports with which broker and database a process works, so the imports of both go side by side.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Final, Self, cast

from runtime.processes.children import start_child
from runtime.processes.garbage import collector_off

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Libraries read it when they are imported. The processes are the parallelism."""
_LENGTH_BYTES: Final = 8


class WarmStarts:
    """One waiting process for each module; a context manager that ends those nobody took.

    modules: what `python -m` runs. Each has a function `main`, which reads its settings from the
    environment, and may have a function `prepare`, which is called while nothing else is known.
    Call it from the main thread: the processes die with it.
    """

    def __init__(self, *modules: str) -> None:
        self._modules = modules
        self._waiting: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for module in self._modules:
            command = [sys.executable, "-m", __name__, module]
            env = os.environ | ONE_THREAD
            self._waiting[module] = start_child(command, env=env, log=Path(os.devnull), piped=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._waiting.values():
            process.kill()
        while self._waiting:
            _, process = self._waiting.popitem()
            with process:  # Waits for it, and closes its pipes.
                pass

    def start(
        self,
        arguments: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        log: Path | None,
        piped: bool = False,
    ) -> "subprocess.Popen[bytes]":
        """Do as `start_child`, with the process that waits for this module, if there is one."""
        _, option, module, *words = map(str, arguments)
        process = self._waiting.pop(module, None) if option == "-m" and log is not None else None
        if process is None:
            return start_child(arguments, env=env, log=log, piped=piped)
        order = {"words": words, "env": dict(env), "log": str(log), "umask": _umask()}
        assert process.stdin is not None and process.stdout is not None
        try:
            _send(process.stdin.fileno(), order | {"piped": piped})
        except BrokenPipeError:  # It could not import the module. The log will say why.
            with process:
                process.kill()
            return start_child(arguments, env=env, log=log, piped=piped)
        if not piped:
            process.stdin.close()
            process.stdout.close()
            process.stdin = process.stdout = None
        return process


def main() -> None:
    """Import the module that the first argument names, wait for an order, and run its `main`."""
    # structlog draws tracebacks for terminals with it if it can: a tenth of a second to import.
    sys.modules["rich"] = cast("ModuleType", None)
    name = sys.argv[1]
    with collector_off():
        spec = find_spec(name)
        is_package = spec is not None and spec.submodule_search_locations is not None
        module = import_module(f"{name}.__main__" if is_package else name)
        if hasattr(module, "prepare"):
            module.prepare()
    order = _receive(sys.stdin.fileno())
    if order is None:
        return
    os.umask(order["umask"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = [str(module.__file__), *order["words"]]
    files = {2: (order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)}
    if not order["piped"]:
        files |= {0: (os.devnull, os.O_RDONLY), 1: (os.devnull, os.O_WRONLY)}
    for number, (path, flags) in files.items():
        opened = os.open(path, flags, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    module.main()


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _send(pipe: int, order: dict[str, Any]) -> None:
    data = json.dumps(order).encode()
    left = memoryview(len(data).to_bytes(_LENGTH_BYTES, "big") + data)
    while left:
        left = left[os.write(pipe, left) :]


def _receive(pipe: int) -> dict[str, Any] | None:
    """Return the order, or None if the pipe ends before. Reads nothing of what follows it."""
    length = _read(pipe, _LENGTH_BYTES)
    data = _read(pipe, int.from_bytes(length, "big")) if length else b""
    order: dict[str, Any] | None = json.loads(data) if data else None
    return order


def _read(pipe: int, size: int) -> bytes:
    """Return so many bytes, or none if the pipe ends before."""
    data = b""
    while len(data) < size:
        more = os.read(pipe, size - len(data))
        if not more:
            return b""
        data += more
    return data


if __name__ == "__main__":
    main()
