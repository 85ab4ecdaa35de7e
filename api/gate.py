"""The gate of the API: whose token a request bears."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from sqlalchemy import Engine
from starlette.datastructures import Headers

from contracts.errors import ApiError
from records.users.api_tokens import TokenHolder, token_holder
from serving.access import Account

ROOT: Final = "api/v1"
_CACHE_S: Final = 1.0
_CACHE_ENTRIES: Final = 1000


@dataclass(slots=True)
class ApiGate:
    """Finds the account of a token. Threads may share it. root: the path of the API.

    A token is looked up at most once a second, so that it stops to work a second after it is
    revoked.
    """

    engine: Engine
    root: str
    _known: OrderedDict[str, tuple[float, Account]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def covers(self, path: str) -> bool:
        """Return whether the path is one of the API."""
        return path == self.root or path.startswith(self.root + "/")

    def account(self, headers: Headers, address: str) -> Account | None:
        """Return the account of the request's token; None if it has no Authorization header.

        address: where the request comes from. Raises ApiError if the token does not work, and
        DatabaseError. Blocks.
        """
        given = headers.get("authorization")
        if given is None:
            return None
        scheme, token = _parts(given)
        if scheme != "bearer":
            raise ApiError(
                "unauthenticated",
                "the header Authorization is not of the form `Bearer TOKEN`",
                hint="Make a token with `moodline token add NAME`",
            )
        return self._known_account(token) or self._look_up(token, address)

    def known(self, headers: Headers) -> Account | None:
        """Return the account of a token that was looked up within a second. Does not block."""
        scheme, token = _parts(headers.get("authorization", ""))
        return self._known_account(token) if scheme == "bearer" else None

    def _known_account(self, token: str) -> Account | None:
        with self._lock:
            checked_at_s, account = self._known.get(token, (0.0, None))
        is_fresh = account is not None and time.monotonic() - checked_at_s < _CACHE_S
        return account if is_fresh else None

    def _look_up(self, token: str, address: str) -> Account:
        asked_at_s = time.monotonic()
        holder = token_holder(self.engine, token, address=address)
        with self._lock:
            self._known.pop(token, None)
            if holder is not None:
                account = token_account(holder)
                self._known[token] = asked_at_s, account
                while len(self._known) > _CACHE_ENTRIES:
                    self._known.popitem(last=False)
                return account
        raise ApiError(
            "unauthenticated",
            "this token does not work: it was revoked, it has expired, or it never existed",
            hint="See `moodline token list`",
        )


def _parts(authorization: str) -> tuple[str, str]:
    scheme, _, token = authorization.partition(" ")
    return scheme.lower(), token.strip()


def token_account(holder: TokenHolder) -> Account:
    """Return the account of a token's holder."""
    return Account(holder.actor, holder.scope.role, token=holder.pk, sources=holder.sources)


def no_token() -> ApiError:
    """Return the error of a request without a token and without a browser's session."""
    return ApiError(
        "unauthenticated",
        "the request has no token",
        hint="Make one with `moodline token add NAME`, and send `Authorization: Bearer TOKEN`",
    )
