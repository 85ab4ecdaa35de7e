"""The shell around every page: brand, navigation, account and footer."""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, dcc, html

from contracts.errors import MoodlineError
from dashboard.web.page import Page, Visit, attributes
from serving.access import current_account, require_role
from serving.backend import Backend


def shell(pages: Sequence[Page], base: str) -> html.Div:
    """Return the shell. The router fills in the page."""
    links = [
        dcc.Link(page.name, href=base + page.path, className=f"place place-{page.path}")
        for page in pages
        if page.in_menu
    ]
    return html.Div(
        [
            dcc.Location(id="location", refresh="callback-nav"),
            html.A("Skip to the page", href="#page", className="skip"),
            html.Div(
                [
                    dcc.Link("moodline", href=base, className="brand"),
                    html.Nav(links, **attributes(aria_label="Pages")),
                    html.Div(id="account", className="account"),
                ],
                className="rail",
                role="banner",
            ),
            html.Div(
                [
                    html.Div(id="health", className="health", hidden=True, role="status"),
                    html.Main(id="page", tabIndex=-1),
                    html.Footer(
                        [
                            "moodline reads expressions, not feelings; it identifies nobody. ",
                            dcc.Link("How well it reads", href=f"{base}model"),
                        ]
                    ),
                ],
                className="page",
            ),
        ],
        className="shell",
        id="shell",
        **attributes(data_base=base),
    )


def add_router(app: Dash, pages: Sequence[Page], backend: Backend, base: str) -> None:
    """Add the callback that shows the page at the current address."""

    @app.callback(
        Output("page", "children"), Output("account", "children"), Input("location", "pathname")
    )
    def show(pathname: str | None) -> tuple[Any, Any]:
        return content_at(pathname or base), _account(base)

    def content_at(pathname: str) -> html.Div:
        page, rest = page_at(pages, pathname.removeprefix(base))
        if page is None:
            message = _message("There is no page at this address.", "Choose a page in the menu.")
            return _framed("Not found", message)
        try:
            require_role(page.needs)
            content = page.layout(Visit(backend, base, rest))
        except MoodlineError as exc:
            content = _message(exc.line())
        return _framed(page.name, content, page.path)


def _account(base: str) -> Any:
    """Return the signed-in user and the sign-out button; "" where sign-in is off."""
    account = current_account()
    if not account.name:
        return ""
    button = html.Button("Sign out", type="submit", className="button quiet")
    return [
        html.P(
            [dcc.Link(html.Strong(account.name), href=f"{base}account"), f", {account.role}"],
        ),
        html.Form(button, method="post", action=f"{base}logout"),
    ]


def page_at(pages: Sequence[Page], path: str) -> tuple[Page | None, str]:
    """Return the page at a path below the prefix, and the rest of the path after the page's own."""
    first, _, rest = path.strip("/").partition("/")
    for page in pages:
        if page.path == (first or pages[0].path) and (page.deep or not rest):
            return page, rest
    return None, ""


def _framed(name: str, content: Any, path: str = "") -> html.Div:
    """Return the page with its heading, and a place where the browser names its time zone.

    data-page: the name of the script that takes over. data-title: the title of the window.
    """
    return html.Div(
        [html.Header([html.H1(name), html.P(className="clock")]), content],
        **attributes(data_page=path, data_title=f"{name} · moodline"),
    )


def _message(*lines: str) -> html.Div:
    return html.Div([html.P(line) for line in lines], className="empty")
