"""Clips with faces in them, rendered once for each test process, and a browser for each module."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from moodline.demo.scenes import render, scenes
from tests.browser import chromium
from tests.e2e.commands import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A fresh installation with nothing configured."""
    return Installation(tmp_path / "home")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with chromium() as one:
        yield one


@pytest.fixture(scope="session")
def one_face(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of one face: 60 frames."""
    path = tmp_path_factory.mktemp("clips") / "one-face.mp4"
    render(replace(scenes()[0], seconds=4.0), path)
    return path


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-one seconds of one face: 315 frames."""
    path = tmp_path_factory.mktemp("clips") / "long.mp4"
    render(scenes()[0], path)
    return path


@pytest.fixture(scope="session")
def three_faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of three faces: 30 frames."""
    path = tmp_path_factory.mktemp("clips") / "three-faces.mp4"
    render(replace(scenes()[1], seconds=2.0), path)
    return path
