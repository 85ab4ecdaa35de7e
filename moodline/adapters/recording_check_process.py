"""A process that opens one uploaded file. It ends with 0 if a frame decodes, else prints why not.

Its CPU time and memory are limited, because a stranger may have made the file.
"""

import resource
import signal
import sys
from pathlib import Path
from typing import Final

from contracts.errors import MoodlineError
from contracts.settings import Settings
from ingest.decoding_limits import DecodingLimits
from ingest.files.source import FileSource
from runtime.decoding.memory_limit import limited_memory

_TIMEOUT_S: Final = 50
_CPU_S: Final = 30
_MAX_SIDE: Final = 640


def main() -> int:
    """Check the file in argv; return the exit status."""
    signal.alarm(_TIMEOUT_S)
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    path = Path(sys.argv[1])
    try:
        settings = Settings.read()
        limits = DecodingLimits(settings.max_source_megapixels)
        with (
            limited_memory(settings.decoder_memory_mb),
            # A damaged frame is enough: the next whole one may be far away.
            FileSource(
                path, fps=None, max_side=_MAX_SIDE, limits=limits, keeps_damaged=True
            ) as source,
        ):
            if next(iter(source.frames()), None) is None:
                print(f"no frame of {path.name} can be decoded")  # noqa: T201
                return 1
    except MoodlineError as exc:
        print(exc.line().replace(f"{path.parent}/", ""))  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
