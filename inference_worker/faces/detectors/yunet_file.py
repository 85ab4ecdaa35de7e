"""The weights of YuNet: a file that its owner supplies, known by its hash.

moodline does not include it. OpenCV's model zoo publishes it under the MIT licence.
"""

import hashlib
from pathlib import Path
from typing import Final

from contracts.errors import ModelError

PUBLISHED_URL: Final = (
    "https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
    "face_detection_yunet_2023mar.onnx"
)
PUBLISHED_SHA256: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
LARGEST_BYTES: Final = 16 * 2**20

_PREFIX: Final = "yunet/"
_HINT: Final = (
    "Run `moodline detector add yunet` on this host, or set MOODLINE_YUNET_FILE to its ONNX file"
)


def is_yunet(pinned_id: str) -> bool:
    """Return whether the id is of a YuNet detector, whatever its weights."""
    return pinned_id.startswith(_PREFIX)


def yunet_id(weights: bytes) -> str:
    """Return the id of the detector with these weights: other weights find other faces."""
    return _PREFIX + hashlib.sha256(weights).hexdigest()[:12]


def read_yunet(path: Path) -> bytes:
    """Return the weights. Raises ModelError if the file is missing, empty or far too large."""
    try:
        with path.open("rb") as file:
            weights = file.read(LARGEST_BYTES + 1)
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise ModelError(f"the file of detector yunet, {path}: {reason}", hint=_HINT) from exc
    if not 0 < len(weights) <= LARGEST_BYTES:
        raise ModelError(f"the file of detector yunet, {path}, is empty or too large", hint=_HINT)
    return weights


def check_yunet(weights: bytes, pinned_id: str, path: Path) -> None:
    """Raise ModelError unless the weights are those that a run is pinned to."""
    if yunet_id(weights) != pinned_id:
        raise ModelError(
            f"a run needs detector {pinned_id}, {path} is {yunet_id(weights)}",
            hint="Set MOODLINE_YUNET_FILE to the file that the run was created with, or analyse "
            "the source again",
        )
