"""A library of recordings, and a page of it in a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from contracts.settings import Settings
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine
from records.schema import upgrade
from serving.backend import Backend
from tests.e2e.recordings.library import Library
from tests.pages import quiet_page, serving


@pytest.fixture
def library(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    settings = Settings(home=tmp_path / "home", recording_folders=(tmp_path_factory.getbasetemp(),))
    uploads = uploads_of(settings, engine)
    backend = Backend(engine, settings, recordings=RecordingLibrary(settings, engine, uploads))
    with serving(backend) as address:
        yield Library(engine, settings, uploads, backend, address)
    engine.dispose()


@pytest.fixture
def page(browser: Browser, library: Library) -> Iterator[Page]:
    with browser.new_context() as viewer, quiet_page(viewer, library.address) as one:
        yield one
