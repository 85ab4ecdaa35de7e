"""MediaPipe's `face_landmarker.task`: a file that its owner supplies, known by its hash.

moodline does not include it. Google publishes it under the Apache licence 2.0.
"""

import hashlib
from pathlib import Path
from typing import Final

from contracts.errors import ModelError

PUBLISHED_URL: Final = (
    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
    "face_landmarker.task"
)
PUBLISHED_SHA256: Final = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
LARGEST_BYTES: Final = 16 * 2**20

_HINT: Final = (
    "Run `moodline detector add landmarks` on this host, set MOODLINE_LANDMARKS_FILE to "
    "face_landmarker.task, or switch MOODLINE_LANDMARKS off"
)


def read_task(path: Path) -> bytes:
    """Return the file, a zip of networks. Raises ModelError if it is missing or another file.

    Only the published file is read: other weights would give other values to the same run.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as exc:
        raise ModelError(f"the file of landmarks, {path}: {exc.strerror}", hint=_HINT) from exc
    if hashlib.sha256(data).hexdigest() != PUBLISHED_SHA256:
        raise ModelError(f"{path} is not MediaPipe's face_landmarker.task", hint=_HINT)
    return data
