"""EmbeddedTrends: `/embed/trends`, which pages of other sites may show in a frame.

It stands before the guard, because its rules are others: it needs a token in the address instead of
a session, has no scripts and no cookies, and may be framed by the origins of a setting.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analytics.history.source_selection import select_sources
from analytics.history.timeline import ALL, timeline
from analytics.snapshots import in_snapshot
from api.gate import ApiGate
from api.resources.history.arguments import AskedRange, SteppedArguments
from contracts.errors import ApiError, DatabaseError, SettingsError, SourceNotFoundError
from contracts.parsing.plain_messages import plain_message
from dashboard.embed.chart import embedded_chart
from dashboard.report.page import page_colours
from dashboard.web.palette import STACK
from dashboard.web.templates import template
from serving.access import Account, Role
from serving.backend import Backend

PATH: Final = "embed/trends"
_TEMPLATE: Final = Path(__file__).with_name("page.html")
_REFRESH_S: Final = 60
_MAX_QUERY_BYTES: Final = 8192
_AT_ONCE: Final = 4
_THEMES: Final = ("light", "dark")
_RANGE: Final = ("from", "to", "zone", "step")
_ARGUMENTS: Final = (*_RANGE, "sources", "tags", "theme", "token")
_STATUS: Final = {
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "not-found": HTTPStatus.NOT_FOUND,
}


@dataclass(slots=True)
class EmbeddedTrends:
    """ASGI middleware that answers `prefix` + PATH itself. origins: those that may frame it."""

    app: ASGIApp
    backend: Backend
    prefix: str
    gate: ApiGate
    _turn: asyncio.Semaphore | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.prefix + PATH:
            await self.app(scope, receive, send)
            return
        if self._turn is None:
            self._turn = asyncio.Semaphore(_AT_ONCE)
        async with self._turn:
            response = await asyncio.to_thread(self._answer, scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = response_headers(self.backend.settings.embed_origins)
                message["headers"] += [
                    (name.lower().encode(), value.encode()) for name, value in headers.items()
                ]
            await send(message)

        await response(scope, receive, send_with_headers)

    def _answer(self, scope: Scope) -> Response:
        try:
            return HTMLResponse(self._page(scope))
        except ApiError as exc:
            status = _STATUS.get(exc.name, HTTPStatus.UNPROCESSABLE_ENTITY)
            return PlainTextResponse(f"{exc.line()}\n", status)
        except SourceNotFoundError as exc:
            return PlainTextResponse(f"{exc.line()}\n", HTTPStatus.NOT_FOUND)
        except DatabaseError as exc:
            return PlainTextResponse(f"{exc.line()}\n", HTTPStatus.SERVICE_UNAVAILABLE)
        except SettingsError as exc:  # The range or the step.
            return PlainTextResponse(f"{exc.line()}\n", HTTPStatus.UNPROCESSABLE_ENTITY)

    def _page(self, scope: Scope) -> str:
        if not self.backend.settings.embed_origins:
            raise ApiError(
                "not-found",
                "embedding is off",
                hint="Name the sites that may show the chart in MOODLINE_EMBED_ORIGINS",
            )
        if scope["method"] not in {"GET", "HEAD"} or len(scope["query_string"]) > _MAX_QUERY_BYTES:
            raise ApiError("invalid-request", "only GET with a short query is answered")
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        account = self._account(query.pop("token", ""), scope)
        asked = _arguments(query)
        zone = self.backend.settings.timezone
        span = AskedRange.of(asked, Request(scope), zone)
        return in_snapshot(
            self.backend.engine, _page_of, span, asked.step, account, query.get("theme", "")
        )

    def _account(self, token: str, scope: Scope) -> Account:
        """Return the account of the token. Raises ApiError unless it may only read."""
        if not token:
            raise ApiError(
                "unauthenticated",
                "the address has no token",
                hint="Make one with `moodline token add NAME --scope read`, and add &token=TOKEN",
            )
        address = scope["client"][0] if scope.get("client") else ""
        account = self.gate.account(Headers({"authorization": f"Bearer {token}"}), address)
        assert account is not None
        if account.role is not Role.VIEWER:
            raise ApiError(
                "forbidden",
                "this token may do more than read, and whoever sees the page can read it",
                hint="Make a token with the scope read",
            )
        return account


def response_headers(origins: Sequence[str]) -> dict[str, str]:
    """Return the headers of every answer. origins: the sites that may frame it."""
    sites = " ".join(origins) or "'none'"
    policy = (
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors {sites}",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",  # The address has the token.
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Cache-Control": "no-store",
    }


def _arguments(query: dict[str, str]) -> SteppedArguments:
    """Return the range. Raises ApiError for an argument that there is not."""
    if unknown := [name for name in query if name not in _ARGUMENTS]:
        raise ApiError(
            "invalid-request",
            f"there is no parameter {unknown[0][:40]!r}",
            hint=f"The parameters are: {', '.join(_ARGUMENTS)}",
        )
    if (theme := query.get("theme")) and theme not in _THEMES:
        raise ApiError("invalid-request", f"theme: use {' or '.join(_THEMES)}")
    try:
        return SteppedArguments.model_validate(
            {name: value for name, value in query.items() if name in _RANGE}
        )
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ApiError("invalid-request", f"{first['loc'][0]}: {plain_message(first)}") from exc


def _page_of(
    connection: Connection, span: AskedRange, step_s: int | None, account: Account, theme: str
) -> str:
    found = timeline(
        connection,
        span.since,
        span.until,
        span.zone,
        sources=span.sources,
        tags=span.tags,
        step_s=step_s,
        together=True,
        within=account.sources,
    )
    chosen = select_sources(connection, span.sources, span.tags, within=account.sources)
    generated = " · generated history, not measured" if any(one.generated for one in chosen) else ""
    names = [*span.sources, *(f"tag {tag}" for tag in span.tags)]
    begin, end = (moment.astimezone(span.zone) for moment in (span.since, span.until))
    light, dark = page_colours()
    values: dict[str, Any] = {
        "title": f"Expressions: {', '.join(names) or 'all sources'}",
        "caption": f"Person-seconds, {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} "
        f"({span.zone}){generated}",
        "chart": embedded_chart(found.series.get(ALL, ()), span.zone),
        "refresh_s": _REFRESH_S if span.until >= span.now - timedelta(minutes=2) else 0,
        "theme_name": theme,
        "light": light,
        "dark": dark,
        "filled": STACK,
    }
    return template(_TEMPLATE).render(values)
