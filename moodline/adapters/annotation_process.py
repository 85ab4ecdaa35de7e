"""A process that draws the annotated copy of one run. It ends with its parent.

Its memory, and its time for a frame, are limited.
"""

import os
import sys
import threading
from pathlib import Path

from contracts.errors import MoodlineError
from contracts.settings import Settings
from ingest.decoding_limits import DecodingLimits
from moodline.analysis.annotation import annotate_recording
from records.database import open_engine
from runtime.decoding.memory_limit import limited_memory
from runtime.files.free_space import FreeSpace
from runtime.stall_guard import StallGuard


def main() -> int:
    """Draw the copy; argv holds run id, recording and output path. Return the exit status."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run_id, recording, out = sys.argv[1:]
    settings = Settings.read()
    guard = StallGuard(settings.stall_s)
    guard.reset()
    engine = open_engine(settings.effective_database_url)
    try:
        with limited_memory(settings.decoder_memory_mb):
            annotate_recording(
                engine,
                run_id,
                Path(recording),
                Path(out),
                FreeSpace(settings.min_free_bytes),
                limits=DecodingLimits(settings.max_source_megapixels),
                on_frame=guard.reset,
            )
    except MoodlineError:
        return 1
    return 0


def _end_with_parent() -> None:
    """End when standard input closes, which happens when the parent ends."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
