"""The documents of the pages: Dash behind a check of its requests, at every page's address."""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

from dash import Dash
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.language.words import _, current_viewing
from dashboard.web.bundle import Bundle
from dashboard.web.dash_requests import DashRequests, note_failure
from dashboard.web.guard import security_headers
from dashboard.web.page import Page
from dashboard.web.shell import add_router, page_at, shell
from dashboard.web.theme import colour_schemes, current_theme
from serving.backend import Backend

ASSETS: Final = Path(__file__).parent / "assets"
_NOT_FOUND: Final = HTTPStatus.NOT_FOUND
_ICON: Final = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
    "<rect width='32' height='32' rx='7' fill='#2b4c9b'/>"
    "<rect x='6' y='17' width='5' height='9' rx='1.5' fill='#8FE3D6'/>"
    "<rect x='13.5' y='9' width='5' height='17' rx='1.5' fill='#F2B134'/>"
    "<rect x='21' y='20' width='5' height='6' rx='1.5' fill='#ECEEF1'/>"
    "<circle cx='24' cy='8' r='8' fill='none'/></svg>"
)
"""The icon of the window; health/banner.js fills the circle where something is wrong."""
_INDEX: Final = """<!DOCTYPE html>
<html lang="{%lang%}" data-locale="{%locale%}" data-theme="{%theme%}">
  <head>
    {%metas%}
    <meta name="color-scheme" content="{%schemes%}">
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="{%icon%}">
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <noscript>{%noscript%}</noscript>
    {%config%}{%scripts%}{%renderer%}
  </body>
</html>
"""


def page_documents(
    backend: Backend, pages: Sequence[Page], prefix: str, bundle: Bundle
) -> tuple[ASGIApp, dict[str, str]]:
    """Return the application of the pages, and the security headers for its scripts.

    Dash has an application of its own, which is mounted into ours, so that Dash's startup hooks
    never run: they would answer any path and read the environment.
    """
    server = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    dash = _Dash(
        bundle,
        __name__,
        server=cast(Any, server),  # Dash's types know Flask only.
        url_base_pathname=prefix,
        assets_folder=str(ASSETS),
        pages_folder="",
        use_pages=False,
        include_assets_files=True,
        serve_locally=True,
        compress=False,
        index_string=_INDEX.replace("{%icon%}", "data:image/svg+xml," + quote(_ICON, " ='/:")),
        title="moodline",
        update_title="",
        add_log_handler=False,
        suppress_callback_exceptions=True,  # A page's components come after its callbacks.
        enable_mcp=False,
        on_error=note_failure,
    )
    dash.enable_dev_tools(debug=False)
    # No callback uses a websocket. Dash would open one anyway, and the guard refuses it.
    dash.backend.websocket_capability = False
    dash.layout = partial(shell, pages, prefix)  # In the language of each request.
    add_router(dash, pages, backend, prefix)
    for page in pages:
        page.add_callbacks(dash, backend)
    checked = DashRequests(
        server,
        prefix=prefix,
        callbacks=lambda: dash.callback_map,
        files=lambda: dash.registered_paths,
    )
    return PageDocuments(checked, pages, prefix), security_headers(dash.csp_hashes())


class _Dash(Dash):
    """Dash with one bundled script and sheet in its document, in the place of two dozen."""

    def __init__(self, bundle: Bundle, *args: Any, **kwargs: Any) -> None:
        self._bundle = bundle
        super().__init__(*args, **kwargs)

    def interpolate_index(self, *, scripts: str, css: str, **parts: str) -> str:  # type: ignore[override]
        script, sheet = self._bundle.tags(scripts, css)
        script = self._bundle.words_tag() + script  # The scripts find the words when they start.
        document = super().interpolate_index(scripts=script, css=sheet, **parts)  # type: ignore[no-untyped-call]
        needs_script = _("The dashboard needs JavaScript. All of it is loaded from this host.")
        return (
            str(document)
            .replace("{%lang%}", current_viewing().tag)
            .replace("{%locale%}", current_viewing().locale_tag)
            .replace("{%theme%}", current_theme())
            .replace("{%schemes%}", colour_schemes(current_theme()))
            .replace("{%noscript%}", needs_script)
        )


class PageDocuments:
    """ASGI middleware that serves Dash's one document at the address of every page.

    A browser that opens an unknown address gets it too, with status 404; it then says that the
    page does not exist.
    """

    def __init__(self, app: ASGIApp, pages: Sequence[Page], prefix: str) -> None:
        self._app = app
        self._pages = pages
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope["path"])
        document = {**scope, "path": self._prefix, "raw_path": self._prefix.encode()}
        page, _ = page_at(self._pages, path.removeprefix(self._prefix))
        preloads: tuple[str, ...] = ()
        if path != self._prefix and page:
            scope, preloads = document, page.scripts
        missing = False

        async def answer(message: Message) -> None:
            nonlocal missing
            if message["type"] == "http.response.start":
                missing = message["status"] == _NOT_FOUND and self._is_navigation(scope)
                for script in preloads:
                    link = f"<{self._prefix}{script}>; rel=preload; as=script"
                    MutableHeaders(scope=message).append("Link", link)
            if not missing:
                await send(message)

        async def answer_missing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "status": _NOT_FOUND}
            await send(message)

        async def no_body() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        await self._app(scope, receive, answer)
        if missing:
            # The first answer may have read the body: there is no second one to wait for.
            await self._app(document, no_body, answer_missing)

    def _is_navigation(self, scope: Scope) -> bool:
        """Return whether a browser opens the address as a page."""
        accepts = Headers(scope=scope).get("accept", "")
        below = str(scope["path"]).startswith(self._prefix)
        return scope["method"] == "GET" and "text/html" in accepts and below
