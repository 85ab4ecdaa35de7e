"""A process that draws what was read onto a copy of a recording; it ends with its parent."""

import os
import sys
import threading
from pathlib import Path

from contracts.errors import MoodlineError
from contracts.settings import Settings
from moodline.analysis.annotation import annotate_recording
from records.database import open_engine


def main() -> int:
    """argv: run, recording, copy."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run_id, recording, out = sys.argv[1:]
    engine = open_engine(Settings.read().effective_database_url)
    try:
        annotate_recording(engine, run_id, Path(recording), Path(out))
    except MoodlineError:
        return 1
    return 0


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
