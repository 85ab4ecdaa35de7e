"""One server for all tests of the API that only read."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from contracts.settings import Settings
from moodline.commands.services.dashboard import dashboard_backend
from records.users.accounts import add_user
from records.users.roles import Role, TokenScope
from tests.api_program import Program, Site, make_site
from tests.http_client import PASSWORD
from tests.pages import serving


@pytest.fixture(scope="module")
def site(shared_engine: Engine) -> Site:
    """The sources and runs, on each database."""
    add_user(shared_engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    return make_site(shared_engine)


@pytest.fixture(scope="module")
def address(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard with users."""
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with serving(dashboard_backend(settings, site.engine), sign_in=True) as one:
        yield one


@pytest.fixture(scope="module")
def reader(site: Site, address: str) -> Program:
    """A program that sees everything."""
    return Program(address, site.token("reader", TokenScope.READ))


@pytest.fixture(scope="module")
def limited(site: Site, address: str) -> Program:
    """A program that may do all, with `door` and `gate` alone."""
    return Program(address, site.token("limited", TokenScope.ADMIN, "door", "gate"))
