"""A process that analyses one image after another: length and bytes in, a line of JSON out.

It ends when its standard input closes. Its memory is limited while it reads an image.
"""

import json
import struct
import sys
from dataclasses import asdict
from typing import BinaryIO, Final

from contracts.errors import MoodlineError
from contracts.settings import Device, Settings
from inference_worker.faces.classifier_devices import open_classifier
from inference_worker.faces.detectors.choice import chosen_detector
from inference_worker.pictures.single_image import analyze_image
from runtime.decoding.memory_limit import limited_memory

HEADER: Final = struct.Struct(">I")
"""The length of an image in bytes, before the image."""


def main() -> None:
    """Write "ready", then answer each image until standard input closes."""
    settings = Settings.read()
    detector = chosen_detector(settings)
    classifier = open_classifier(settings.model, Device.CPU, settings.model_head)
    uncertain_below = settings.uncertain_below
    if uncertain_below is None:
        uncertain_below = classifier.card.uncertain_below
    _write({"ready": True, "model": classifier.card.id, "uncertain_below": uncertain_below})
    while (data := _read_image(sys.stdin.buffer)) is not None:
        try:
            with limited_memory(settings.decoder_memory_mb):
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


if __name__ == "__main__":
    main()
