"""Requests to the dashboard's guard, without a server."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.responses import PlainTextResponse

from dashboard.web.guard import Guard, security_headers
from dashboard.web.sign_in.gate import SignIn
from serving.access import current_account

HEADERS = security_headers(["'sha256-x'"])


def ask_guard(
    sign_in: SignIn | None = None,
    *,
    path: str = "/",
    method: str = "GET",
    kind: str = "http",
    any_host: bool = False,
    **headers: str,
) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body. The application answers with the account's name and role."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(f"{current_account().name}/{current_account().role}")(
            scope, receive, send
        )

    guard = Guard(application, headers=HEADERS, sign_in=sign_in, any_host=any_host)
    given = {"host": "localhost:8050"} | headers
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given.items()
    ]
    scope = {"type": kind, "scheme": "http", "path": path, "method": method, "headers": raw}
    scope["query_string"] = b"a=1"
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    asyncio.run(guard(scope, receive, send))
    start = sent[0]
    if "status" not in start:
        return int(start["code"]), {}, ""
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], found, b"".join(one.get("body", b"") for one in sent[1:]).decode()
