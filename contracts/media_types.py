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

IMAGE_SUFFIXES: Final = (
    ".gif",
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
    ".avif",
)
"""Taken in folders, beside videos: an image is a recording of one frame, or of an animation."""


MEDIA_TYPES: Final = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".ts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".mts": "video/mp2t",
    ".wmv": "video/x-ms-wmv",
    ".flv": "video/x-flv",
    ".3gp": "video/3gpp",
    ".ogv": "video/ogg",
    ".mxf": "application/mxf",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".avif": "image/avif",
}
"""The type as which the dashboard sends a recording, by its suffix. No other file is sent."""


def is_video(name: str) -> bool:
    """Return whether a file of this name is taken for a video."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def is_recording(name: str) -> bool:
    """Return whether a file of this name in a folder is taken for a recording: video or image."""
    return is_video(name) or name.lower().endswith(IMAGE_SUFFIXES)
