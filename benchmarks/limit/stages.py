"""The stage clock: CPU time of each stage of the pipeline, by timers around its functions.

A stage's time is that of its own thread, without that of the stages that it calls. So the same
timers serve the limit, in one process, and the processes of the real pipeline.
"""

import atexit
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, Final

STAGES: Final = (
    *("decode", "encode", "broker", "search", "follow", "crop", "classify", "smooth"),
    *("commit", "other"),
)
"""In the order of the pipeline. other: all that no timer covers, such as watching the run."""
START: Final = "start"
"""Before the first stage of a process: what a recording costs however short it is."""

_TIMED: Final = {
    "moodline": {
        "other": ["moodline.stack.stack:Stack.submit"],
    },
    "ingest.files.process": {
        "decode": ["ingest.files.source:FileSource.frames"],
        "encode": ["contracts.frames:FrameMessage.encode"],
        "broker": ["broker.publishing:RunPublisher.*"],
    },
    "inference_worker": {
        "encode": ["contracts.frames:decode"],
        "broker": ["broker.bus:Bus.read", "broker.bus:Bus.drop_committed"],
        "search": ["inference_worker.faces.tracking_detector:TrackingDetector._search"],
        "follow": ["inference_worker.faces.tracking_detector:TrackingDetector.detect"],
        "crop": ["inference_worker.faces.analysis:RunAnalyzer.detect"],
        "classify": ["inference_worker.faces.analysis:classify_crops"],
        "smooth": [
            "inference_worker.faces.analysis:RunAnalyzer.smooth",
            "inference_worker.faces.analysis:RunAnalyzer.checkpoint",
        ],
        "commit": [
            "inference_worker.store:RunStore.commit",
            "inference_worker.store:RunStore.finish",
        ],
    },
}
"""By process and stage: functions, or all public methods of a class.

crop holds all that is done with a found face: crop, quality, pose, marks. encode: both ends.
"""


class StageClock:
    """Sums of CPU seconds by stage, over all threads of this process."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.started_s = 0.0
        self._lock = threading.Lock()
        self._local = threading.local()

    def add_timers(self, process: str) -> None:
        """Replace the functions of a process by timed ones. Call it before it imports them."""
        for stage, names in _TIMED[process].items():
            for name in names:
                self._time_functions(stage, name)

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with a timer around it."""

        @wraps(function)
        def call(*args: Any, **options: Any) -> Any:
            self._begin()
            try:
                result = function(*args, **options)
            finally:
                self._end(stage)
            return self._steps(stage, result) if isinstance(result, Iterator) else result

        return call

    def _time_functions(self, stage: str, name: str) -> None:
        module, _, path = name.partition(":")
        owner: Any = import_module(module)
        *classes, last = path.split(".")
        for one in classes:
            owner = getattr(owner, one)
        found = [last] if last != "*" else [n for n in vars(owner) if not n.startswith("_")]
        for one in found:
            if callable(vars(owner)[one]):
                setattr(owner, one, self.timed(stage, vars(owner)[one]))

    def _steps(self, stage: str, iterator: Iterator[Any]) -> Iterator[Any]:
        """Yield what the iterator yields, and time each step of it."""
        while True:
            self._begin()
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._end(stage)
            yield item

    def _begin(self) -> None:
        self.started_s = self.started_s or _cpu_s()
        stack = self._local.__dict__.setdefault("stack", [])
        stack.append((time.thread_time(), 0.0))

    def _end(self, stage: str) -> None:
        """Add the time since `_begin`, without that of inner stages."""
        stack = self._local.stack
        begin, inner = stack.pop()
        whole = time.thread_time() - begin
        if stack:
            outer, before = stack[-1]
            stack[-1] = outer, before + whole
        with self._lock:
            self.seconds[stage] += whole - inner


def time_process(name: str) -> None:
    """Time the stages of this process, if it has any; write the sums when it ends."""
    if name not in _TIMED:
        return
    clock = StageClock()
    clock.add_timers(name)
    if name == "moodline":
        _note_broker(clock)

    def write() -> None:
        sums = dict(clock.seconds)
        children = sums.pop(_SERVER, 0.0)
        sums[START] = clock.started_s
        sums["other"] = sums.get("other", 0.0) + _cpu_s() - sum(sums.values())
        sums["broker"] = sums.get("broker", 0.0) + children
        place = Path(os.environ["MOODLINE_STAGES"]) / f"{name}-{os.getpid()}.json"
        place.write_text(json.dumps(sums), encoding="utf-8")

    atexit.register(write)


def _note_broker(clock: StageClock) -> None:
    """Count the CPU time of the embedded broker when it is stopped."""
    from broker.embedded import EmbeddedBroker

    stop = EmbeddedBroker.__exit__

    def note_and_stop(broker: Any, *error: Any) -> None:
        stat = Path(f"/proc/{broker._process.pid}/stat").read_text().rpartition(")")[2].split()
        clock.seconds[_SERVER] = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        stop(broker, *error)

    EmbeddedBroker.__exit__ = note_and_stop  # type: ignore[method-assign]


def _cpu_s() -> float:
    return time.process_time()


_SERVER: Final = "server"
