"""The files that moodline takes for recordings, by the ending of their names."""

from typing import Final

VIDEO_SUFFIXES: Final = (
    ".mp4",
    ".mov",
    ".m4v",
    ".mkv",
    ".webm",
    ".avi",
    ".mpg",
    ".mpeg",
    ".ts",
    ".m2ts",
    ".mts",
    ".wmv",
    ".flv",
    ".3gp",
    ".ogv",
    ".mxf",
)
"""Taken in folders and as uploads. In lower case; the case of a file's name does not matter."""

IMAGE_SUFFIXES: Final = (".gif", ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Taken in folders, beside videos: an image is a recording of one frame, or of an animation."""


def is_video(name: str) -> bool:
    """Return whether a file of this name is taken for a video."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def is_recording(name: str) -> bool:
    """Return whether a file of this name in a folder is taken for a recording: video or image."""
    return is_video(name) or name.lower().endswith(IMAGE_SUFFIXES)
