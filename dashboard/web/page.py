"""What a page is: an address, a name, what it shows and what answers it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from dash import Dash
from fastapi import APIRouter

from contracts.errors import MoodlineError
from dashboard.web.access import Role
from dashboard.web.backend import Backend

MOST_BODY: Final = 262_144
"""Bytes of a request; a page's questions are a few hundred."""


class BusyError(MoodlineError):
    """Raised when nobody else can be served just now."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page being opened. rest: what its address has after the page's own path, "" for nothing."""

    backend: Backend
    base: str
    rest: str = ""


def attributes(**given: str) -> dict[str, Any]:
    """HTML attributes that Dash takes by name: aria_label becomes aria-label."""
    return {name.replace("_", "-"): value for name, value in given.items()}


def no_callbacks(_app: Dash, _backend: Backend) -> None:
    """For a page whose script asks its own routes."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the dashboard, at `path` under the prefix, its routes at api/`path`.

    deep: addresses below its own are its, too. most_body: bytes that its routes take. changes: the
    role that whatever its routes change takes at least. scripts: addresses below the prefix that
    its components ask for once they are there; a browser that opens it has them by then.
    """

    path: str
    name: str
    layout: Callable[[Visit], Any]
    add_callbacks: Callable[[Dash, Backend], None] = no_callbacks
    routes: Callable[[Backend], APIRouter] | None = None
    needs: Role = Role.VIEWER
    changes: Role = Role.OPERATOR
    deep: bool = False
    most_body: int = MOST_BODY
    scripts: tuple[str, ...] = ()
