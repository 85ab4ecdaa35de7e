"""ApiRoute: the checks before every operation, in one place: scope and unknown parameters."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.conventions.idempotency import KEY_HEADER, answer_once
from api.conventions.problems import documented_problems
from api.conventions.validators import RollupAnswers
from contracts.errors import ApiError, NotAllowedError
from records.users.roles import TokenScope
from serving.access import Account, current_account

SCOPE: Final = "x-moodline-scope"
"""The OpenAPI extension that names the scope of an operation."""
_SAFE: Final = frozenset({"GET", "HEAD"})
_COMMON: Final = (
    *("refused", "unauthenticated", "forbidden", "not-found", "invalid-request"),
    *("too-many-requests", "unavailable"),
)


def needs(scope: TokenScope) -> dict[str, Any]:
    """Return the `openapi_extra` of an operation that needs this scope.

    Without it, reading needs READ, and all else WRITE.
    """
    return {SCOPE: scope.value}


class ApiRoute(APIRoute):
    """An operation. Before its body is read, the scope is checked, and the parameters' names."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        methods = {one.upper() for one in options.get("methods") or {"GET"}}
        extra = dict(options.get("openapi_extra") or {})
        default = TokenScope.READ if methods <= _SAFE else TokenScope.WRITE
        extra.setdefault(SCOPE, default.value)
        self.needed = TokenScope(extra[SCOPE])
        with_body = () if methods <= _SAFE | {"DELETE"} else ("too-large",)
        problems = documented_problems(*_COMMON, *with_body)
        responses = problems | dict(options.get("responses") or {})
        super().__init__(
            path, endpoint, **(options | {"openapi_extra": extra, "responses": responses})
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        known = _query_names(self.dependant)

        async def checked(request: Request) -> Response:
            require_scope(self.needed, is_read=request.method in _SAFE)
            _refuse_unknown(request, known)
            if request.method == "POST" and KEY_HEADER in request.headers:
                return await answer_once(request, answer)
            kept: RollupAnswers = request.app.state.rollups
            return kept.unmodified(request) or await answer(request)

        return checked


def require_scope(needed: TokenScope, *, is_read: bool) -> Account:
    """Return the account of the request. Raises NotAllowedError if it may not do this.

    A browser's session may read; changes need a token, which no other site can make it send.
    """
    account = current_account()
    if account.session and not is_read:
        raise NotAllowedError(
            "a browser's session may only read here",
            hint="Send a token: make one with `moodline token add NAME --scope write`",
        )
    if not account.role.covers(needed.role):
        raise NotAllowedError(
            f"{account.name} needs the scope {needed}",
            hint=f"Make a token with it: moodline token add NAME --scope {needed}",
        )
    return account


def _query_names(dependant: Dependant) -> set[str]:
    """Return the names of an operation's query parameters, also of those in a model."""
    names: set[str] = set()
    for one in dependant.query_params:
        kind = one.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= {field.alias or name for name, field in kind.model_fields.items()}
        else:
            names.add(one.alias)
    return names.union(*(_query_names(one) for one in dependant.dependencies))


def _refuse_unknown(request: Request, known: set[str]) -> None:
    unknown = [name for name in request.query_params if name not in known]
    if not unknown:
        return
    names = ", ".join(sorted(known)) or "none"
    raise ApiError(
        "invalid-request",
        f"there is no parameter {unknown[0][:40]!r}",
        hint=f"The parameters are: {names}",
        errors=[(f"query.{name[:40]}", "unknown parameter") for name in unknown[:10]],
    )
