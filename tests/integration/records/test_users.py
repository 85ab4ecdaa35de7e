"""Users and their sessions, on SQLite and PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from analytics.audit import audit_entries
from analytics.snapshots import in_snapshot
from contracts.errors import UserError
from contracts.times import utc_now
from records.database import reading
from records.tables.users import User, UserSession
from records.users.accounts import (
    add_user,
    authenticate,
    list_users,
    remove_user,
    set_password,
    set_role,
)
from records.users.roles import Role
from records.users.session_lifetime import IDLE_TIMEOUT, MAX_SESSION_AGE
from records.users.sessions import (
    close_session,
    delete_expired_sessions,
    open_session,
    session_user,
)
from tests.conftest import STRONG_HASHER

PASSWORD = "correct horse battery"


def signed_in(engine: Engine, name: str = "mara") -> str:
    user = authenticate(engine, name, PASSWORD)
    assert user is not None
    return open_session(engine, user)


def test_only_the_right_password_signs_a_user_in(engine: Engine) -> None:
    add_user(engine, "Mara", Role.OPERATOR, PASSWORD, actor="me")
    user = authenticate(engine, " MARA ", PASSWORD)
    assert user is not None and (user.name, user.role) == ("mara", Role.OPERATOR)
    for name, password in (("mara", "wrong"), ("jon", PASSWORD), ("mara", ""), ("", PASSWORD)):
        assert authenticate(engine, name, password) is None
    with reading(engine) as connection:
        stored = connection.execute(select(User.password_hash)).scalar_one()
    assert stored.startswith("$argon2id$") and PASSWORD not in stored


def test_passwords_are_hashed_as_rfc_9106_recommends() -> None:
    assert STRONG_HASHER.hash(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.both_databases
def test_invalid_names_and_passwords_are_rejected(engine: Engine) -> None:
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="me")
    with pytest.raises(UserError, match="already"):
        add_user(engine, "MARA", Role.VIEWER, PASSWORD, actor="me")
    for name in ("", "a b", "../x", "x" * 65, "é"):
        with pytest.raises(UserError, match="invalid user name"):
            add_user(engine, name, Role.VIEWER, PASSWORD, actor="me")
    for password in ("", "short", "x" * 1025):
        with pytest.raises(UserError, match="characters"):
            add_user(engine, "jon", Role.VIEWER, password, actor="me")
    for change in (remove_user, lambda *a, **k: set_password(a[0], a[1], PASSWORD, **k)):
        with pytest.raises(UserError, match="no user"):
            change(engine, "jon", actor="me")


@pytest.mark.both_databases
def test_a_session_expires_when_it_is_idle_or_too_old(engine: Engine) -> None:
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="me")
    token = signed_in(engine)
    now = utc_now()
    assert session_user(engine, token, now=now + IDLE_TIMEOUT - timedelta(minutes=1)) is not None
    used = now + IDLE_TIMEOUT + timedelta(hours=5)
    assert session_user(engine, token, now=used) is not None, "it was used in between"
    assert session_user(engine, token, now=used + IDLE_TIMEOUT + timedelta(minutes=1)) is None
    other, at = signed_in(engine), utc_now()
    while at < now + MAX_SESSION_AGE:
        assert session_user(engine, other, now=at) is not None
        at += IDLE_TIMEOUT / 2
    assert session_user(engine, other, now=at + timedelta(hours=1)) is None
    assert delete_expired_sessions(engine, now=at + MAX_SESSION_AGE) == 2
    assert session_user(engine, "guessed") is None
    with reading(engine) as connection:
        assert not connection.execute(select(UserSession.token_hash)).all()


def test_the_database_does_not_contain_the_token(engine: Engine) -> None:
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="me")
    token = signed_in(engine)
    with reading(engine) as connection:
        stored = connection.execute(select(UserSession.token_hash)).scalar_one()
    assert len(token) >= 43 and token not in stored
    close_session(engine, token)
    assert session_user(engine, token) is None


@pytest.mark.both_databases
def test_a_changed_user_is_signed_out_and_the_change_is_audited(engine: Engine) -> None:
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="me")
    for change in (
        lambda: set_role(engine, "mara", Role.ADMIN, actor="me"),
        lambda: set_password(engine, "mara", PASSWORD, actor="me"),
        lambda: remove_user(engine, "mara", actor="me"),
    ):
        token = signed_in(engine)
        assert list_users(engine)[0].sessions == 1
        change()
        assert session_user(engine, token) is None
    actions = [entry.action for entry in in_snapshot(engine, audit_entries)]
    assert actions == ["user removed", "password set", "role set", "user added"]


def test_the_password_setting_signs_admin_in_until_it_changes(engine: Engine) -> None:
    user = authenticate(engine, "admin", "secret", setting="secret")
    assert user is not None and user.role is Role.ADMIN
    assert authenticate(engine, "mara", "secret", setting="secret") is None
    assert authenticate(engine, "admin", "", setting="") is None
    token = open_session(engine, user)
    assert session_user(engine, token, setting="secret") is not None
    assert session_user(engine, token, setting="other") is None
    assert session_user(engine, token) is None
