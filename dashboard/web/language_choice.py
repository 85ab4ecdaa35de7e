"""The choice of a language: the buttons on every page, and the route that stores it in a cookie."""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs, quote

from dash import dcc, html
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers

from dashboard.language.offered import COOKIE, LANGUAGES, Viewing, viewing
from dashboard.language.words import _, languages
from dashboard.web.page import attributes
from dashboard.web.sign_in.cookies import cookie_value
from dashboard.web.sign_in.routes import own_path

LANGUAGE_PATH: Final = "language"
_AGE_S: Final = 365 * 86400
_MAX_FIELDS: Final = 4


def viewing_of(headers: Headers) -> Viewing:
    """Return the language that a request asks for."""
    return viewing(cookie_value(headers, COOKIE), headers.get("accept-language", ""))


def language_buttons(base: str) -> html.Form:
    """Return a button for each language; kit/language_switch.js adds the page to come back to."""
    buttons = [
        html.Button(
            one["name"],
            type="submit",
            name="language",
            value=one["value"],
            lang=one["tag"],
            **attributes(aria_pressed=str(one["pressed"]).lower()),
        )
        for one in languages()
    ]
    return html.Form(
        [dcc.Input(type="hidden", name="next", value=base), *buttons],
        method="post",
        action=f"{base}{LANGUAGE_PATH}",
        className="languages",
        **attributes(aria_label=_("Language")),
    )


def language_routes(prefix: str) -> APIRouter:
    """Return POST language, which needs no session: the form of sign-in has the buttons, too."""
    router = APIRouter()

    @router.post(f"/{LANGUAGE_PATH}")
    async def choose(request: Request) -> RedirectResponse:
        """Store the language of the form, and go back to the page that `next` names."""
        body = (await request.body()).decode("utf-8", "replace")
        try:
            fields = parse_qs(body, max_num_fields=_MAX_FIELDS)
        except ValueError:
            fields = {}
        chosen, target, at = (fields.get(one, [""])[0] for one in ("language", "next", "at"))
        path = own_path(target, prefix)
        back = f"{prefix}login?next={quote(path, safe='')}" if at == "login" else path
        response = RedirectResponse(back, HTTPStatus.SEE_OTHER)
        response.headers["Cache-Control"] = "no-store"
        if chosen in LANGUAGES:
            secure = request.url.scheme == "https"
            response.set_cookie(
                COOKIE, chosen, _AGE_S, path=prefix, secure=secure, httponly=True, samesite="lax"
            )
        return response

    return router
