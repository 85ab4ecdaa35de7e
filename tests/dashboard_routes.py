"""All routes of the dashboard's application."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from starlette.routing import Mount


def every_route(app: FastAPI) -> list[tuple[str, str]]:
    """Return (method, path) of all routes, those of Dash included; parameters stay in braces."""
    return sorted(set(_walk(app.routes, "")))


def _walk(routes: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
    for one in routes:
        if isinstance(one, Mount):
            mounted: Any = one.app
            while hasattr(mounted, "_app"):
                mounted = mounted._app
            if isinstance(mounted, FastAPI):
                yield from _walk(mounted.routes, prefix + one.path)
            else:
                yield "GET", f"{prefix}{one.path}/{{file}}"
        elif hasattr(one, "include_context"):  # An included router of FastAPI.
            inner = one.original_router.routes
            yield from _walk(inner, prefix + one.include_context.prefix)
        else:
            path = prefix + one.path
            yield from ((method, path) for method in getattr(one, "methods", None) or ("GET",))


def every_callback(app: FastAPI) -> list[tuple[str, list[dict[str, str]], list[dict[str, str]]]]:
    """Return output, inputs and state of the Dash callbacks that the server answers."""
    (mount,) = (one for one in app.routes if isinstance(one, Mount) and not one.path)
    part: Any = mount.app
    while not hasattr(part, "_callbacks"):
        part = part._app
    return [
        (output, one["inputs"], one["state"])
        for output, one in part._callbacks().items()
        if "callback" in one
    ]
