"""The file names of uploads: of what a browser sends, only a plain name is kept."""

import re
import unicodedata
from typing import Final

from contracts.errors import UploadError
from contracts.media_types import VIDEO_SUFFIXES

_UNSAFE: Final = re.compile(r"[^\w .,()+=@-]")


def safe_name(name: str) -> str:
    """Return a plain file name without folders or special characters.

    Raises UploadError if its suffix is not that of a video.
    """
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    plain = _UNSAFE.sub("_", plain).strip()
    stem, dot, suffix = plain.rpartition(".")
    if f"{dot}{suffix}".lower() not in VIDEO_SUFFIXES:
        raise UploadError(
            f"{plain[-60:] or 'the file'} is not a recording",
            hint=f"Supported: {', '.join(VIDEO_SUFFIXES)}",
        )
    stem = stem.strip(" .")[:100] or "recording"
    return f"{stem}.{suffix.lower()}"
