"""The routes of sign-in and sign-out: GET login, POST login and POST logout."""

from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from contracts.errors import DatabaseError, ServerBusyError
from dashboard.language.core.recognition import known
from dashboard.language.words import _, languages
from dashboard.web.sign_in.cookies import DEVICE_COOKIE, session_cookie
from dashboard.web.sign_in.gate import Attempt, SignIn
from dashboard.web.sign_in.known_devices import DEVICE_AGE_S
from dashboard.web.sign_in.visitor import Visitor
from dashboard.web.templates import template
from records.users.session_lifetime import MAX_SESSION_AGE

_FIELDS: Final = ("name", "password", "next", "ticket", "code")
_MAX_FIELDS: Final = 10
_BUSY_WAIT_S: Final = 5
_SESSION_AGE_S: Final = int(MAX_SESSION_AGE.total_seconds())
_UNAVAILABLE: Final = HTTPStatus.SERVICE_UNAVAILABLE
_TEMPLATE: Final = Path(__file__).with_name("sign_in.html")


def sign_in_routes(sign_in: SignIn) -> APIRouter:
    """Return the routes. GET login?link=TOKEN signs the owner in by a one-time link."""
    router = APIRouter()

    @router.get("/login")
    def form(request: Request, next: str = "", link: str = "") -> Response:
        if not link:
            return _form(sign_in.prefix, next, Attempt())
        try:
            attempt = sign_in.attempt_link(link, Visitor.of(request))
            if not attempt.token and sign_in.account(request.headers):  # The link opened twice.
                return RedirectResponse(own_path(next, sign_in.prefix), HTTPStatus.SEE_OTHER)
        except DatabaseError as exc:
            return _form(sign_in.prefix, next, Attempt(error=known(exc.line())), "", _UNAVAILABLE)
        return _response(request, sign_in, next, attempt)

    @router.post("/login")
    async def login(request: Request) -> Response:
        try:
            body = (await request.body()).decode("utf-8", "replace")
            fields = parse_qs(body, max_num_fields=_MAX_FIELDS)
        except ValueError:
            error = Attempt(error=_("The form could not be read. Try again."))
            return _form(sign_in.prefix, "", error, "", HTTPStatus.BAD_REQUEST)
        name, password, target, ticket, code = (fields.get(one, [""])[0] for one in _FIELDS)
        visitor = Visitor.of(request)
        try:
            if ticket:
                attempt = await sign_in.attempt_code(ticket, code, visitor)
            else:
                attempt = await sign_in.attempt(name, password, visitor)
        except DatabaseError as exc:
            return _form(
                sign_in.prefix, target, Attempt(error=known(exc.line())), name, _UNAVAILABLE
            )
        except ServerBusyError as exc:
            busy = Attempt(error=known(exc.line()), wait_s=_BUSY_WAIT_S)
            return _form(sign_in.prefix, target, busy, name, _UNAVAILABLE)
        return _response(request, sign_in, target, attempt, name)

    @router.post("/logout")
    def logout(request: Request) -> RedirectResponse:
        sign_in.sign_out(request.headers)
        response = RedirectResponse(sign_in.login_path, HTTPStatus.SEE_OTHER)
        response.delete_cookie(session_cookie(request.headers), path=sign_in.prefix)
        return response

    return router


def own_path(target: str, prefix: str) -> str:
    """Return the path to open after sign-in: `target` if it is one of our pages, else `prefix`."""
    plain = target.isprintable() and "\\" not in target and not target.startswith("//")
    below = target.removeprefix(prefix)
    if (
        plain
        and target.startswith(prefix)
        and not below.startswith(("/", "login", "logout", "language", "api/"))
    ):
        return quote(target, safe="/?&=%:,+~@!$'()*;-._")
    return prefix


def sign_in_url(sign_in: SignIn, path: str, query: bytes) -> str:
    """Return the form's address, with the page to open after sign-in."""
    target = path + (f"?{query.decode('latin-1')}" if query else "")
    return f"{sign_in.login_path}?next={quote(target, safe='')}"


def _response(
    request: Request, sign_in: SignIn, target: str, attempt: Attempt, name: str = ""
) -> Response:
    """Return the page to go to with the cookies of a session, or the form again."""
    prefix, secure = sign_in.prefix, request.url.scheme == "https"
    if not attempt.token:
        status = HTTPStatus.TOO_MANY_REQUESTS if attempt.wait_s else HTTPStatus.UNAUTHORIZED
        if attempt.ticket and not attempt.error:
            status = HTTPStatus.OK
        return _form(prefix, target, attempt, name, status)
    response = RedirectResponse(own_path(target, prefix), HTTPStatus.SEE_OTHER)
    response.headers["Cache-Control"] = "no-store"
    cookies = [(session_cookie(request.headers), attempt.token, _SESSION_AGE_S, prefix)]
    if attempt.device:
        cookies.append((DEVICE_COOKIE, attempt.device, DEVICE_AGE_S, sign_in.login_path))
    for cookie, value, age_s, path in cookies:
        response.set_cookie(
            cookie, value, age_s, path=path, secure=secure, httponly=True, samesite="lax"
        )
    return response


def _form(
    prefix: str, target: str, attempt: Attempt, name: str = "", status: int = HTTPStatus.OK
) -> HTMLResponse:
    page = template(_TEMPLATE).render(
        prefix=prefix,
        target=target[:2000],
        name=name[:64],
        error=attempt.error,
        ticket=attempt.ticket,
        languages=languages(),
    )
    response = HTMLResponse(page, status, headers={"Cache-Control": "no-store"})
    if attempt.wait_s:
        response.headers["Retry-After"] = str(attempt.wait_s)
    return response
