"""Addresses of sources: any name is in one, and what the page is called there."""

from contextvars import copy_context
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine

from contracts.settings import Settings
from dashboard.app import PAGES
from dashboard.sources import SOURCES
from dashboard.web.links import source_path
from dashboard.web.page import Visit
from dashboard.web.shell import page_at
from records.users.roles import Role
from serving.access import Account, set_account
from serving.backend import Backend

NAMES = ["door", "front door", "2026/party.mp4", "50 % & more?#1", "Tür, Süd", "a\u202eb"]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_an_address_that_leads_back_to_it(name: str) -> None:
    path = urlsplit(f"http://here/{source_path(name)}").path
    page, rest = page_at(PAGES, path)
    assert page is SOURCES
    backend = Backend(create_engine("sqlite://"), Settings())
    drawn = page.layout(Visit(backend, "/", rest))
    assert getattr(drawn, "data-source") == name
    assert page.heading is not None and "\u202e" not in page.heading(rest)


def test_without_a_name_it_is_the_list_and_a_viewer_may_only_look() -> None:
    page, rest = page_at(PAGES, "/sources/")
    assert (page, rest) == (SOURCES, "")
    visit = Visit(Backend(create_engine("sqlite://"), Settings()), "/", "door")

    def operator_mark(role: Role) -> str:
        set_account(Account("mara", role))
        return str(getattr(SOURCES.layout(visit), "data-operator"))

    marks = [copy_context().run(operator_mark, one) for one in (Role.VIEWER, Role.OPERATOR)]
    assert marks == ["", "yes"]
