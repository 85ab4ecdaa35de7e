"""A server with a generated month, and a viewer, for all tests of the page Trends."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine

from contracts.settings import Settings
from records.database import open_engine
from serving.backend import Backend
from tests.pages import Noise, patient_page, quiet_page, serving


@pytest.fixture(scope="package")
def engine(month_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("records")
    engine = open_engine(f"sqlite:///{shutil.copyfile(month_database, folder / 'records.db')}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="package")
def address(engine: Engine) -> Iterator[str]:
    with serving(Backend(engine, Settings())) as one:
        yield one


@pytest.fixture(scope="package")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(timezone_id="UTC", accept_downloads=True) as one:
        yield one


@pytest.fixture(scope="package")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("MOODLINE_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def tab(viewer: BrowserContext, address: str) -> Iterator[tuple[Page, Noise]]:
    """A page that all tests of a module use: to load it takes most of a short test's time."""
    with patient_page(viewer) as one:
        yield one, Noise(one, address)


@pytest.fixture
def page(tab: tuple[Page, Noise]) -> Iterator[Page]:
    """The page, as wide and as light as a new one. `opened_trends` builds its content again."""
    one, noise = tab
    one.set_viewport_size({"width": 1280, "height": 720})
    one.emulate_media(color_scheme="light", reduced_motion="no-preference")
    one.mouse.move(0, 0)
    yield one
    noise.assert_none()


@pytest.fixture
def new_page(viewer: BrowserContext, address: str) -> Iterator[Page]:
    with quiet_page(viewer, address) as one:
        yield one
