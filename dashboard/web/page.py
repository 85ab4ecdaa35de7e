"""`Page`: the address, name, layout and routes of one page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dash import Dash
from fastapi import APIRouter

from serving.access import Role
from serving.backend import Backend
from serving.shares import Work

MAX_BODY_BYTES: Final = 262_144
"""The default limit of a request's body; a page's requests have a few hundred bytes."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page being opened. rest: the part of the address after the page's path, "" for none."""

    backend: Backend
    base: str
    rest: str = ""


def attributes(**given: str) -> dict[str, Any]:
    """Return HTML attributes as Dash takes them: aria_label becomes aria-label."""
    return {name.replace("_", "-"): value for name, value in given.items()}


def no_callbacks(_app: Dash, _backend: Backend) -> None:
    """Add no callbacks: the page's script calls the page's routes."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the dashboard, at `path` under the prefix; its routes are at api/`path`.

    needs: the role to open it. changes: the lowest role for any request that is not a GET.
    deep: whether addresses below the page's own belong to it; heading: what the page is called at
    one of them, from the rest of the address. max_body_bytes: of its requests.
    scripts: addresses below the prefix that its components will load; a browser preloads them.
    in_menu: whether the navigation lists it.
    work: kinds of work of its routes, by a pattern of "METHOD path"; the others are light.
    """

    path: str
    name: str
    layout: Callable[[Visit], Any]
    add_callbacks: Callable[[Dash, Backend], None] = no_callbacks
    routes: Callable[[Backend], APIRouter] | None = None
    needs: Role = Role.VIEWER
    changes: Role = Role.OPERATOR
    deep: bool = False
    heading: Callable[[str], str] | None = None
    in_menu: bool = True
    max_body_bytes: int = MAX_BODY_BYTES
    scripts: tuple[str, ...] = ()
    work: tuple[tuple[str, Work], ...] = ()
