"""Tokens with which programs use the API: make, list, revoke, and find the one of a request.

Only the SHA-256 of a token is stored: it has 256 random bits, so that a slow hash adds nothing.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import DatabaseError, TokenError
from contracts.times import utc_now
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import reading, transaction
from records.tables.api_tokens import ApiToken, ApiTokenSource
from records.tables.sources import Source
from records.users.roles import TokenScope

PREFIX: Final = "moodline_"
"""Begins every token, so that scanners of published code recognise one."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,57}")
_TOKEN: Final = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
_NOTE_USE_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """One token in a list. sources: the names that it is limited to; None for all sources."""

    name: str
    scope: TokenScope
    sources: tuple[str, ...] | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None
    used_from: str

    def is_expired(self, now: datetime) -> bool:
        """Return whether the token no longer works."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """The program behind a valid token. sources: ids that it may see; None for all."""

    pk: int
    name: str
    scope: TokenScope
    sources: frozenset[int] | None

    @property
    def actor(self) -> str:
        """The name that the audit records."""
        return f"token {self.name}"


def add_token(  # noqa: PLR0913  (one parameter for each part of a token)
    engine: Engine,
    name: str,
    scope: TokenScope,
    *,
    sources: Sequence[str] | None = None,
    lifetime: timedelta | None = None,
    actor: str,
) -> str:
    """Make a token and return it: it cannot be read again.

    sources: names of the only sources that it may see; None for all. lifetime: None: no limit.
    Raises TokenError if the name is invalid or taken, or a source does not exist.
    """
    if not _NAME.fullmatch(name):
        raise TokenError(
            f"invalid token name {name!r}",
            hint="Use up to 58 letters, digits and . _ @ -, such as grafana",
        )
    token, now = PREFIX + secrets.token_urlsafe(32), utc_now()
    try:
        expires_at = None if lifetime is None else now + lifetime
    except OverflowError as exc:
        raise TokenError(
            "the token would expire after the year 9999", hint="Leave out how long it works"
        ) from exc
    values = {
        "name": name,
        "token_hash": _digest(token),
        "scope": scope,
        "limited": sources is not None,
        "created_at": now,
        "created_by": actor,
        "expires_at": expires_at,
    }
    try:
        with transaction(engine) as connection:
            pks = _source_pks(connection, sources or ())
            added = insert(ApiToken).values(**values).returning(ApiToken.id)
            pk = connection.execute(added).scalar_one()
            if pks:
                connection.execute(
                    insert(ApiTokenSource), [{"token_pk": pk, "source_pk": one} for one in pks]
                )
            details = {"token": name, "scope": scope, "sources": list(sources or ["all"])}
            write_audit_entry(connection, actor, Action.TOKEN_ADDED, details)
    except IntegrityError as exc:
        raise TokenError(
            f"the token {name} already exists", hint=f"Revoke it: moodline token revoke {name}"
        ) from exc
    return token


def revoke_token(engine: Engine, name: str, *, actor: str) -> None:
    """Delete a token: it no longer works. Raises TokenError if there is none."""
    with transaction(engine) as connection:
        pk = connection.execute(select(ApiToken.id).where(ApiToken.name == name)).scalar()
        if pk is None:
            raise TokenError(f"there is no token {name}", hint="See `moodline token list`")
        connection.execute(delete(ApiTokenSource).where(ApiTokenSource.token_pk == pk))
        connection.execute(delete(ApiToken).where(ApiToken.id == pk))
        write_audit_entry(connection, actor, Action.TOKEN_REVOKED, {"token": name})


def list_tokens(engine: Engine) -> Sequence[TokenSummary]:
    """Return all tokens, by name."""
    with reading(engine) as connection:
        rows = connection.execute(select(ApiToken.__table__).order_by(ApiToken.name)).all()
        named = connection.execute(
            select(ApiTokenSource.token_pk, Source.name)
            .join(Source, Source.id == ApiTokenSource.source_pk)
            .order_by(Source.name)
        ).all()
    names: dict[int, list[str]] = {}
    for token_pk, source in named:
        names.setdefault(token_pk, []).append(source)
    return [
        TokenSummary(
            row.name,
            TokenScope(row.scope),
            tuple(names.get(row.id, ())) if row.limited else None,
            row.created_at,
            row.created_by,
            row.expires_at,
            row.used_at,
            row.used_from,
        )
        for row in rows
    ]


def token_holder(
    engine: Engine, token: str, *, address: str = "", now: datetime | None = None
) -> TokenHolder | None:
    """Return the holder of a token that works, and note its use; None for any other text.

    address: where the request comes from.
    """
    if not _TOKEN.fullmatch(token):
        return None
    now = now or utc_now()
    with reading(engine) as connection:
        row = connection.execute(
            select(ApiToken.__table__).where(ApiToken.token_hash == _digest(token))
        ).first()
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            return None
        sources = connection.execute(
            select(ApiTokenSource.source_pk).where(ApiTokenSource.token_pk == row.id)
        ).scalars()
        seen = frozenset(sources) if row.limited else None
    if row.used_at is None or now - row.used_at >= _NOTE_USE_EVERY:
        # A use that cannot be noted, as on a full disk, is still allowed.
        with suppress(DatabaseError), transaction(engine) as connection:
            connection.execute(
                update(ApiToken)
                .where(ApiToken.id == row.id)
                .values(used_at=now, used_from=address[:64])
            )
    return TokenHolder(row.id, row.name, TokenScope(row.scope), seen)


def working_tokens(
    engine: Engine, pks: Collection[int], *, now: datetime | None = None
) -> set[int]:
    """Return those of the tokens that still work, by their keys."""
    now = now or utc_now()
    with reading(engine) as connection:
        return set(
            connection.scalars(
                select(ApiToken.id).where(
                    ApiToken.id.in_(pks),
                    or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
                )
            )
        )


def _source_pks(connection: Connection, names: Collection[str]) -> Sequence[int]:
    """Return the ids of the sources. Raises TokenError for a name that no source has."""
    rows = connection.execute(select(Source.name, Source.id).where(Source.name.in_(names))).all()
    pks = {row.name: row.id for row in rows}
    missing = [name for name in names if name not in pks]
    if missing:
        raise TokenError(
            f"there is no source {', '.join(missing)}", hint="See `moodline source list`"
        )
    return [*pks.values()]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
