"""What all pages have around them: the brand, the way from page to page, and the last line."""

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, dcc, html

from contracts.errors import MoodlineError
from dashboard.web.access import present, require
from dashboard.web.backend import Backend
from dashboard.web.page import Page, Visit, attributes


def shell(pages: Sequence[Page], base: str) -> html.Div:
    """The frame of every page; the page itself comes when its address is known."""
    links = [
        dcc.Link(page.name, href=base + page.path, className=f"place place-{page.path}")
        for page in pages
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
                    html.Main(id="page", tabIndex=-1),
                    html.Footer("moodline reads expressions, not feelings; it identifies nobody."),
                ],
                className="page",
            ),
        ],
        className="shell",
        id="shell",
        **attributes(data_base=base),
    )


def add_router(app: Dash, pages: Sequence[Page], backend: Backend, base: str) -> None:
    """Show the page that the address names."""

    @app.callback(
        Output("page", "children"), Output("account", "children"), Input("location", "pathname")
    )
    def page(pathname: str | None) -> tuple[Any, Any]:
        return content_at(pathname or base), _account(base)

    def content_at(pathname: str) -> html.Div:
        one, rest = page_at(pages, pathname.removeprefix(base))
        if one is None:
            return _opened("Not found", _message("There is no such page.", "Choose one above."))
        try:
            require(one.needs)
            content = one.layout(Visit(backend, base, rest))
        except MoodlineError as exc:
            content = _message(exc.line())
        return _opened(one.name, content, one.path)


def _account(base: str) -> Any:
    """Who is signed in, and the way out; nothing where nobody has to."""
    person = present()
    if not person.name:
        return ""
    button = html.Button("Sign out", type="submit", className="button quiet")
    return [
        html.P([html.Strong(person.name), f", {person.role}"]),
        html.Form(button, method="post", action=f"{base}logout"),
    ]


def page_at(pages: Sequence[Page], path: str) -> tuple[Page | None, str]:
    """The page at an address below the prefix, and what the address has after the page's path."""
    first, _, rest = path.strip("/").partition("/")
    for page in pages:
        if page.path == (first or pages[0].path) and (page.deep or not rest):
            return page, rest
    return None, ""


def _opened(name: str, content: Any, path: str = "") -> html.Div:
    """data-page: the script of that name takes the page over; data-title: the window's."""
    return html.Div(
        [html.Header(html.H1(name)), content],
        **attributes(data_page=path, data_title=f"{name} · moodline"),
    )


def _message(*lines: str) -> html.Div:
    return html.Div([html.P(line) for line in lines], className="empty")
