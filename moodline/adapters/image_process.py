"""A process that reads one picture after the other: length and bytes in, a line of JSON out.

It ends when its standard input does. A picture that takes too much ends it: it is started anew.
"""

import json
import os
import resource
import struct
import sys
from dataclasses import asdict
from typing import BinaryIO, Final

from inference_worker.pictures.single_image import LIMITS

_ROOM: Final = 1536 * 2**20
HEADER: Final = struct.Struct(">I")


def main() -> None:
    """Say "ready", then answer until the end."""
    os.environ.update(LIMITS)  # Before OpenCV looks at its environment.
    from contracts.errors import MoodlineError
    from contracts.settings import Device, Settings
    from inference_worker.faces.classifier_devices import open_classifier
    from inference_worker.faces.detect import detector_id, make_detector
    from inference_worker.pictures.single_image import read_still

    settings = Settings.read()
    detector = make_detector(detector_id(settings.detector))
    classifier = open_classifier(settings.model, Device.CPU, settings.model_head)
    least = settings.uncertain_below
    if least is None:
        least = classifier.card.uncertain_below
    _limit_memory()
    _say({"ready": True, "model": classifier.card.id, "uncertain_below": least})
    while (data := _next(sys.stdin.buffer)) is not None:
        try:
            still = read_still(
                data, detector, classifier, smallest_px=settings.min_face_px, least=least
            )
            _say(asdict(still))
        except MoodlineError as exc:
            _say({"error": exc.line()})
        del data


def _next(pipe: BinaryIO) -> bytes | None:
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    return pipe.read(HEADER.unpack(header)[0])


def _say(values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def _limit_memory() -> None:
    """So much more than it has now: a picture that is a bomb ends this process, not the host."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + _ROOM, now + _ROOM))


if __name__ == "__main__":
    main()
