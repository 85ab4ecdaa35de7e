"""The shell around every page: brand, navigation, account and footer."""

from collections.abc import Sequence
from typing import Any, Final

from dash import Dash, Input, Output, dcc, html

from contracts.errors import MoodlineError
from dashboard.language.core.recognition import known
from dashboard.language.words import N_, _
from dashboard.web.language_choice import language_buttons
from dashboard.web.page import Page, Visit, attributes
from dashboard.web.theme import NAMES as THEMES
from serving.access import Role, current_account, require_role
from serving.backend import Backend

_ROLES: Final = {
    Role.VIEWER: N_("viewer"),
    Role.OPERATOR: N_("operator"),
    Role.ADMIN: N_("admin"),
}


def shell(pages: Sequence[Page], base: str) -> html.Div:
    """Return the shell. The router fills in the page."""
    links = [
        dcc.Link(_(page.name), href=base + page.path, className=f"place place-{page.path}")
        for page in pages
        if page.in_menu
    ]
    return html.Div(
        [
            dcc.Location(id="location", refresh="callback-nav"),
            html.A(_("Skip to the page"), href="#page", className="skip"),
            html.Div(
                [
                    dcc.Link("moodline", href=base, className="brand"),
                    html.Nav(links, **attributes(aria_label=_("Pages"))),
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
                            _("moodline reads expressions, not feelings; it identifies nobody."),
                            " ",
                            dcc.Link(_("How well it reads"), href=f"{base}model"),
                            " · ",
                            html.Button(
                                _("Keyboard shortcuts"),
                                id="shortcuts",
                                type="button",
                                className="shortcuts-button",
                            ),
                            language_buttons(base),
                            _theme_buttons(),
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
            message = _message(
                _("There is no page at this address."), _("Choose a page in the menu.")
            )
            return _framed(_("Not found"), message)
        try:
            require_role(page.needs)
            content = page.layout(Visit(backend, base, rest))
        except MoodlineError as exc:
            content = _message(known(exc.line()))
        name = page.heading(rest) if rest and page.heading is not None else _(page.name)
        return _framed(name, content, page.path, rest)


def _theme_buttons() -> html.Div:
    """Return a button for each theme; kit/theme.js presses the current one."""
    buttons = [
        html.Button(_(name), type="button", value=theme, **attributes(aria_pressed="false"))
        for theme, name in THEMES.items()
    ]
    return html.Div(
        buttons, className="languages themes", role="group", **attributes(aria_label=_("Theme"))
    )


def _account(base: str) -> Any:
    """Return the signed-in user and the sign-out button; "" where sign-in is off."""
    account = current_account()
    if not account.name:
        return ""
    button = html.Button(_("Sign out"), type="submit", className="button quiet")
    return [
        html.P(
            [
                dcc.Link(html.Strong(account.name), href=f"{base}account"),
                ", ",
                _(_ROLES[account.role]),
            ],
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


def _framed(name: str, content: Any, path: str = "", rest: str = "") -> html.Div:
    """Return the page with its heading, and a place where the browser names its time zone.

    data-page: the name of the script that takes over. data-title: the title of the window. key: so
    that another address of the same page is drawn again, and not left with what its script made.
    """
    return html.Div(
        [html.Header([html.H1(name), html.P(className="clock")]), content],
        key=f"{path}/{rest}",
        **attributes(data_page=path, data_title=f"{name} · moodline"),
    )


def _message(*lines: str) -> html.Div:
    return html.Div([html.P(line) for line in lines], className="empty")
