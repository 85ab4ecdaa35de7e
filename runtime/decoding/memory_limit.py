"""Memory limit: what one step of work, such as decoding a stranger's file, may add to a process.

The limit holds private memory (RLIMIT_DATA): what a decoder allocates, not shared libraries or
models that are mapped from files. An allocation beyond it fails in the library that asks for it,
so the step ends with an error, and neither the host nor other processes run out of memory.
"""

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import DecodingLimitError

OUT_OF_MEMORY_STATUS: Final = 77
"""Exit status of a process that ended because of its memory limit."""
_DATA_FIELD: Final = 5
"""Position of the private memory, in pages, in /proc/self/statm."""


@contextmanager
def limited_memory(megabytes: int) -> Iterator[None]:
    """Let the block add at most `megabytes` MiB of private memory to what is in use now.

    For the whole process, whatever thread. On systems other than Linux it has no effect. Raises
    DecodingLimitError where the block raises MemoryError, such as FFmpeg's.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    if sys.platform == "linux":
        resource.setrlimit(
            resource.RLIMIT_DATA, (_lowest(_used() + megabytes * 2**20, *before), before[1])
        )
    try:
        yield
    except MemoryError as exc:
        raise out_of_memory() from exc
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def is_used_up(margin_bytes: int) -> bool:
    """Return whether less than the margin is left of the memory that `limited_memory` allows.

    Some decoders report a failed allocation as damaged data.
    """
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return limit != resource.RLIM_INFINITY and _used() + margin_bytes > limit


def out_of_memory() -> DecodingLimitError:
    """Return the error of a step that needed more memory than `limited_memory` allows."""
    return DecodingLimitError(
        "decoding needs more memory than is allowed",
        hint="If you trust it, raise MOODLINE_DECODER_MEMORY_MB (recordings) or "
        "MOODLINE_SOURCE_MEMORY_MB (live sources)",
    )


def _used() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[_DATA_FIELD]
    return int(pages) * resource.getpagesize()


def _lowest(*limits: int) -> int:
    return min(limit for limit in limits if limit != resource.RLIM_INFINITY)
