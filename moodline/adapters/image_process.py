"""A process that analyses one image after another: length and bytes in, a line of JSON out.

It ends when its standard input closes. An image that needs too much memory ends it.
"""

import json
import os
import resource
import struct
import sys
from dataclasses import asdict
from typing import BinaryIO, Final

from inference_worker.pictures.single_image import LIMITS

_EXTRA_MEMORY_BYTES: Final = 1536 * 2**20
HEADER: Final = struct.Struct(">I")
"""The length of an image in bytes, before the image."""


def main() -> None:
    """Write "ready", then answer each image until standard input closes."""
    os.environ.update(LIMITS)  # Before OpenCV is imported, which reads them once.
    from contracts.errors import MoodlineError
    from contracts.settings import Device, Settings
    from inference_worker.faces.classifier_devices import open_classifier
    from inference_worker.faces.detect import detector_id, make_detector
    from inference_worker.pictures.single_image import analyze_image

    settings = Settings.read()
    detector = make_detector(detector_id(settings.detector))
    classifier = open_classifier(settings.model, Device.CPU, settings.model_head)
    uncertain_below = settings.uncertain_below
    if uncertain_below is None:
        uncertain_below = classifier.card.uncertain_below
    _limit_memory()
    _write({"ready": True, "model": classifier.card.id, "uncertain_below": uncertain_below})
    while (data := _read_image(sys.stdin.buffer)) is not None:
        try:
            result = analyze_image(
                data,
                detector,
                classifier,
                min_face_px=settings.min_face_px,
                uncertain_below=uncertain_below,
            )
            _write(asdict(result))
        except MoodlineError as exc:
            _write({"error": exc.line()})
        del data


def _read_image(pipe: BinaryIO) -> bytes | None:
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    return pipe.read(HEADER.unpack(header)[0])


def _write(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _limit_memory() -> None:
    """Limit memory relative to what is used now: a decompression bomb ends only this process."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        used = int(file.read().split()[0]) * resource.getpagesize()
    limit = used + _EXTRA_MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
