"""On a worker's path: its detector never comes back, as a bug in native code would not."""

import ctypes
import sys

if "worker" in sys.argv:
    from inference_worker.faces import analysis

    def stuck(*_arguments: object) -> None:
        # PyDLL holds the interpreter's lock while it is away.
        ctypes.PyDLL(None).sleep(3600)

    analysis.RunAnalyzer.detect = stuck  # type: ignore[assignment]
