"""Tokens of the API, on SQLite and PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, select

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.errors import TokenError
from contracts.times import utc_now
from records.database import reading, transaction
from records.sources.live_sources import SourceSettings, add_source
from records.tables.api_tokens import ApiToken
from records.tables.sources import Source
from records.users.api_tokens import (
    add_token,
    list_tokens,
    revoke_token,
    token_holder,
)
from records.users.roles import TokenScope


def add_camera(engine: Engine, name: str) -> None:
    uri = f"rtsp://camera.example/{name}"
    add_source(engine, name, SourceSettings(uri, uri, None, 5.0, 640, ()))


@pytest.mark.both_databases
def test_a_token_works_until_it_is_revoked_and_is_not_stored(engine: Engine) -> None:
    token = add_token(engine, "grafana", TokenScope.WRITE, actor="me")
    holder = token_holder(engine, token, address="10.0.0.9")
    assert holder is not None
    assert (holder.name, holder.scope, holder.sources) == ("grafana", TokenScope.WRITE, None)
    with reading(engine) as connection:
        row = connection.execute(select(ApiToken.__table__)).one()
    assert token not in map(str, row) and token.removeprefix("moodline_") not in map(str, row)
    (listed,) = list_tokens(engine)
    assert (listed.used_from, listed.sources, listed.created_by) == ("10.0.0.9", None, "me")
    revoke_token(engine, "grafana", actor="me")
    assert token_holder(engine, token) is None and list_tokens(engine) == []
    actions = [one.action for one in in_snapshot(engine, audit_entries)]
    assert sorted(actions) == ["token added", "token revoked"]


def test_other_texts_are_no_tokens(engine: Engine) -> None:
    token = add_token(engine, "a", TokenScope.READ, actor="me")
    for text in ("", token[:-1], token + "x", token.upper(), "moodline_" + "a" * 43, "\ud800"):
        assert token_holder(engine, text) is None


def test_a_token_expires(engine: Engine) -> None:
    token = add_token(engine, "a", TokenScope.READ, lifetime=timedelta(days=90), actor="me")
    almost = utc_now() + timedelta(days=89)
    assert token_holder(engine, token, now=almost) is not None
    assert token_holder(engine, token, now=almost + timedelta(days=2)) is None
    (listed,) = list_tokens(engine)
    assert listed.is_expired(almost + timedelta(days=2)) and not listed.is_expired(almost)


@pytest.mark.both_databases
def test_a_limited_token_sees_nothing_once_its_source_is_gone(engine: Engine) -> None:
    for name in ("door", "hall"):
        add_camera(engine, name)
    token = add_token(engine, "a", TokenScope.READ, sources=["door"], actor="me")
    with reading(engine) as connection:
        pk = connection.execute(select(Source.id).where(Source.name == "door")).scalar_one()
    holder = token_holder(engine, token)
    assert holder is not None and holder.sources == {pk}
    with transaction(engine) as connection:
        connection.execute(delete(Source).where(Source.id == pk))
    holder = token_holder(engine, token)
    assert holder is not None and holder.sources == frozenset()
    assert list_tokens(engine)[0].sources == ()


def test_its_use_is_noted_once_a_minute(engine: Engine) -> None:
    token, now = add_token(engine, "a", TokenScope.READ, actor="me"), utc_now()
    for seconds in (0, 59, 60):
        token_holder(engine, token, now=now + timedelta(seconds=seconds))
        (listed,) = list_tokens(engine)
        noted = 60 if seconds == 60 else 0
        assert listed.used_at == now + timedelta(seconds=noted)


def test_wrong_names_and_sources_are_refused(engine: Engine) -> None:
    add_token(engine, "a", TokenScope.READ, actor="me")
    with pytest.raises(TokenError, match="the token a already exists"):
        add_token(engine, "a", TokenScope.READ, actor="me")
    with pytest.raises(TokenError, match="no source attic"):
        add_token(engine, "b", TokenScope.READ, sources=["attic"], actor="me")
    for name in ("", "a b", "../x", "x" * 59, "\x1b[31m"):
        with pytest.raises(TokenError, match="invalid token name"):
            add_token(engine, name, TokenScope.READ, actor="me")
    with pytest.raises(TokenError, match="after the year 9999"):
        add_token(engine, "b", TokenScope.READ, lifetime=timedelta(days=10**7), actor="me")
    with pytest.raises(TokenError, match="no token b"):
        revoke_token(engine, "b", actor="me")
    assert [one.name for one in list_tokens(engine)] == ["a"]
