"""Clips with faces in them, rendered once for a test run, and a browser."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from moodline.demo.scenes import Scene, render, scenes
from tests.browser import chromium
from tests.conftest import made_once
from tests.e2e.commands import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A fresh installation with nothing configured."""
    return Installation(tmp_path / "home")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium. Tests open contexts of their own, which share nothing.

    Not for the whole session: while Playwright runs, no test can run an event loop.
    """
    with chromium() as one:
        yield one


def _clip(factory: pytest.TempPathFactory, name: str, scene: Scene) -> Path:
    """A clip in a folder of this test process, rendered by the first that needs it."""
    made = made_once(factory, name, lambda path: render(scene, path))
    return Path(shutil.copy(made, factory.mktemp("clips")))


@pytest.fixture(scope="session")
def one_face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of one face: 60 frames."""
    return _clip(tmp_path_factory, "one-face.mp4", replace(scenes()[0], seconds=4.0))


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-one seconds of one face: 315 frames."""
    return _clip(tmp_path_factory, "long.mp4", scenes()[0])


@pytest.fixture(scope="session")
def three_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of three faces: 30 frames."""
    return _clip(tmp_path_factory, "three-faces.mp4", replace(scenes()[1], seconds=2.0))
