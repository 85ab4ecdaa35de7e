"""The routes of saved views: list, save, change and delete them. Every user may have some."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from contracts.times import utc_now
from dashboard.trends.address import read_view, write_view
from dashboard.web.json_values import json_values
from records.users.roles import Role
from records.users.saved_views import (
    MAX_NAME_LENGTH,
    MAX_QUERY_LENGTH,
    ViewUser,
    delete_view,
    list_views,
    rename_view,
    replace_view,
    save_view,
    set_default_view,
    share_view,
)
from serving.access import current_account
from serving.backend import Backend

Name = Annotated[str, Field(max_length=4 * MAX_NAME_LENGTH)]
Query = Annotated[str, Field(max_length=4 * MAX_QUERY_LENGTH)]
Number = Annotated[int, Path(ge=1, lt=2**31)]


class NewView(BaseModel):
    """A view to be saved. query: of its address. is_default: whether Trends opens with it."""

    name: Name
    query: Query
    shared: bool = False
    is_default: bool = False


class ViewChange(BaseModel):
    """A change of a saved view; None: unchanged."""

    name: Name | None = None
    query: Query | None = None
    shared: bool | None = None
    is_default: bool | None = None


def saved_view_routes(backend: Backend) -> APIRouter:
    """Return GET views and POST views, POST views/{view} and DELETE views/{view}.

    Each answers with all views of the user, and whether the user may share them.
    """
    router = APIRouter()
    engine = backend.engine

    def all_views() -> Any:
        user = _user()
        return json_values({"views": list_views(engine, user.owner), "shares": user.admin})

    @router.get("/views")
    def views() -> Any:
        return all_views()

    @router.post("/views")
    def save(asked: NewView) -> Any:
        user = _user()
        number = save_view(engine, user, asked.name, _checked_query(backend, asked.query))
        if asked.shared:
            share_view(engine, user, number, shared=True)
        if asked.is_default:
            set_default_view(engine, user, number)
        return all_views()

    @router.post("/views/{view}")
    def change(view: Number, asked: ViewChange) -> Any:
        user = _user()
        if asked.name is not None:
            rename_view(engine, user, view, asked.name)
        if asked.query is not None:
            replace_view(engine, user, view, _checked_query(backend, asked.query))
        if asked.shared is not None:
            share_view(engine, user, view, shared=asked.shared)
        if asked.is_default is not None:
            set_default_view(engine, user, view if asked.is_default else None)
        return all_views()

    @router.delete("/views/{view}")
    def remove(view: Number) -> Any:
        delete_view(engine, _user(), view)
        return all_views()

    return router


def _user() -> ViewUser:
    account = current_account()
    return ViewUser(account.name, account.role.covers(Role.ADMIN), account.actor)


def _checked_query(backend: Backend, query: str) -> str:
    """Return the query as Trends writes it: an address may come from anywhere."""
    return write_view(read_view(query, utc_now(), backend.settings.timezone).view)
