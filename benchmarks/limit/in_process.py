"""The limit: a recording from file to labels in one process, without broker, SQL or messages.

`python -m benchmarks.limit.in_process CLIP` prints its frames, faces, seconds, and CPU seconds by
stage, as JSON. With two cores, decoding, detection and classification have a thread each.
"""

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.limit.stages import StageClock

_BATCH: Final = 32
_WAITING: Final = 2
"""Batches between two threads."""


def analyze(clip: Path, *, threads: bool) -> dict[str, Any]:
    """Return what the analysis of every frame of the clip took. Models are loaded before."""
    clock = StageClock()
    for process in ("ingest.files.process", "inference_worker"):
        clock.add_timers(process)

    # Only now, so that these modules import the timed functions.
    from contracts.settings import Device, Settings
    from inference_worker.faces import analysis
    from inference_worker.faces.classifier_devices import open_classifier
    from inference_worker.faces.detected_faces import DetectedFaces
    from inference_worker.faces.detectors.choice import make_detector
    from ingest.files.source import FileSource
    from moodline.analysis.run_spec import analysis_spec

    settings = Settings.read()
    spec = analysis_spec(settings)
    classifier = open_classifier(settings.model, Device.CPU, settings.model_head)
    run = analysis.RunAnalyzer(make_detector(spec.detector), classifier, spec.options)
    faces = frames = 0

    def label(detected: DetectedFaces) -> None:
        nonlocal faces, frames
        probabilities = analysis.classify_crops(classifier, detected.crops)
        results = run.smooth(detected, probabilities)
        frames += len(results)
        faces += len(probabilities)

    with FileSource(clip, fps=None, max_side=spec.options.max_frame_side) as source:
        begin, cpu = time.perf_counter(), time.process_time()
        batches = frame_batches(source)
        if threads:
            _in_threads(batches, run.detect, label)
        else:
            for batch in batches:
                label(run.detect(batch))
        seconds, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    stages = clock.seconds | {"other": cpu_s - sum(clock.seconds.values())}
    return {"frames": frames, "faces": faces, "seconds": seconds, "stages": stages}


def frame_batches(source: Any) -> Iterator[list[Any]]:
    """Yield the frames in batches. Nothing is encoded: the detector reads the decoder's luma."""
    from contracts.frames import FrameMessage

    frames = enumerate(source.frames(), start=1)
    info = source.info
    while batch := list(islice(frames, _BATCH)):
        yield [
            FrameMessage(
                run_id="limit",
                seq=seq,
                frame_index=one.frame_index,
                media_time_us=one.media_time_us,
                captured_at_us=one.media_time_us,
                width=one.width,
                height=one.height,
                display_width=info.display_width,
                display_height=info.display_height,
                counters=one.counters,
                luma=one.luma,
                dwell_us=one.dwell_us,
            )
            for seq, one in batch
        ]


def _in_threads(
    batches: Iterator[Any], detect: Callable[[Any], Any], label: Callable[[Any], None]
) -> None:
    """Decode, detect and label in a thread each."""
    decoded: queue.Queue[Any] = queue.Queue(_WAITING)
    found: queue.Queue[Any] = queue.Queue(_WAITING)

    def decode() -> None:
        for batch in batches:
            decoded.put(batch)
        decoded.put(None)

    def follow() -> None:
        while (batch := decoded.get()) is not None:
            found.put(detect(batch))
        found.put(None)

    sys.setswitchinterval(0.0005)
    threads = [threading.Thread(target=one, daemon=True) for one in (decode, follow)]
    for thread in threads:
        thread.start()
    while (detected := found.get()) is not None:
        label(detected)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    more_cores = len(os.sched_getaffinity(0)) > 1
    print(json.dumps(analyze(Path(sys.argv[1]), threads=more_cores)))
