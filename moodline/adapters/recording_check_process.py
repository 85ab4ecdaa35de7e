"""A process that opens one file: it ends with 0 when the first picture decodes, else says why."""

import resource
import signal
import sys
from pathlib import Path
from typing import Final

from contracts.errors import MoodlineError
from ingest.files.source import FileSource

_AT_MOST_S: Final = 50
_CPU_S: Final = 30
_MEMORY: Final = 4 * 2**30


def main() -> int:
    """argv: the file."""
    signal.alarm(_AT_MOST_S)
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    path = Path(sys.argv[1])
    try:
        with FileSource(path, fps=None, max_side=640) as source:
            if next(iter(source.frames()), None) is None:
                print(f"{path.name} has no picture that decodes")  # noqa: T201
                return 1
    except MoodlineError as exc:
        print(exc.line().replace(f"{path.parent}/", ""))  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
