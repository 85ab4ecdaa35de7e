"""The demo camera: a live source that repeats a clip, for those who have no camera."""

import socket
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.settings import Settings
from records.sources.live_sources import SourceSettings, add_source

CAMERA: Final = "demo camera"
_SCENE: Final = "three-crossing"


def add_camera(engine: Engine, clip: Path) -> str:
    """Add a live source that repeats the clip; return its name."""
    settings = SourceSettings(
        uri=str(clip),
        shown_uri=clip.name,
        host=socket.gethostname(),
        sampling_fps=5.0,
        max_side=None,
        tags=("demo",),
        looped=True,
    )
    add_source(engine, CAMERA, settings)
    return CAMERA


def start_demo(settings: Settings, engine: Engine) -> str:
    """Render the clip into MOODLINE_HOME and add the camera; return its name.

    Raises SourceError if the camera exists already or the clip cannot be written.
    """
    from moodline.demo.scenes import render, scenes

    clip = settings.home_path / "demo" / f"{_SCENE}.mp4"
    if not clip.exists():
        clip.parent.mkdir(parents=True, exist_ok=True)
        part = clip.with_suffix(".part.mp4")
        try:
            render(next(scene for scene in scenes() if scene.name == _SCENE), part)
            part.replace(clip)
        except OSError as exc:
            raise SourceError(
                f"cannot write {clip}: {exc.strerror}", hint="Set MOODLINE_HOME to another folder"
            ) from exc
    return add_camera(engine, clip)
