"""A process that draws the annotated copy of one run. It ends with its parent."""

import os
import sys
import threading
from pathlib import Path

from contracts.errors import MoodlineError
from contracts.settings import Settings
from moodline.analysis.annotation import annotate_recording
from records.database import open_engine


def main() -> int:
    """Draw the copy; argv holds run id, recording and output path. Return the exit status."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run_id, recording, out = sys.argv[1:]
    engine = open_engine(Settings.read().effective_database_url)
    try:
        annotate_recording(engine, run_id, Path(recording), Path(out))
    except MoodlineError:
        return 1
    return 0


def _end_with_parent() -> None:
    """End when standard input closes, which happens when the parent ends."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
