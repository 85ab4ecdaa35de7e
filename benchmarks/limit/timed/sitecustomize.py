"""Python runs this at the start of each process of a timed pipeline: it starts the stage clock."""

import os
import sys

if "MOODLINE_STAGES" in os.environ and "-m" in sys.orig_argv:
    from benchmarks.limit.stages import time_process

    _names = sys.orig_argv[sys.orig_argv.index("-m") + 1 :]
    time_process(_names[1] if _names[0] == "runtime.processes.warm_start" else _names[0])
