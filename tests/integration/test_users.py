"""Users and their sessions, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from analytics.audit import audit_entries
from contracts.errors import UserError
from contracts.times import utc_now
from records.database import reading
from records.tables.users import Role, User, UserSession
from records.users import (
    IDLE,
    LONGEST,
    add_user,
    close_session,
    forget_sessions,
    list_users,
    open_session,
    remove_user,
    session_user,
    set_password,
    set_role,
    verify,
)

PASSWORD = "correct horse battery"


def signed_in(engine: Engine, name: str = "mara") -> str:
    who = verify(engine, name, PASSWORD)
    assert who is not None
    return open_session(engine, who)


def test_a_user_signs_in_with_their_password_alone(engine: Engine) -> None:
    add_user(engine, "Mara", Role.OPERATOR, PASSWORD, actor="me")
    who = verify(engine, " MARA ", PASSWORD)
    assert who is not None and (who.name, who.role) == ("mara", Role.OPERATOR)
    for name, password in (("mara", "wrong"), ("jon", PASSWORD), ("mara", ""), ("", PASSWORD)):
        assert verify(engine, name, password) is None
    with reading(engine) as connection:
        stored = connection.execute(select(User.password_hash)).scalar_one()
    assert stored.startswith("$argon2id$") and PASSWORD not in stored


def test_what_is_no_user_is_refused(engine: Engine) -> None:
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="me")
    with pytest.raises(UserError, match="already"):
        add_user(engine, "MARA", Role.VIEWER, PASSWORD, actor="me")
    for name in ("", "a b", "../x", "x" * 65, "é"):
        with pytest.raises(UserError, match="no user name"):
            add_user(engine, name, Role.VIEWER, PASSWORD, actor="me")
    for password in ("", "short", "x" * 1025):
        with pytest.raises(UserError, match="characters"):
            add_user(engine, "jon", Role.VIEWER, password, actor="me")
    for change in (remove_user, lambda *a, **k: set_password(a[0], a[1], PASSWORD, **k)):
        with pytest.raises(UserError, match="no user"):
            change(engine, "jon", actor="me")


def test_a_session_expires_unused_and_in_the_end(engine: Engine) -> None:
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="me")
    token = signed_in(engine)
    now = utc_now()
    assert session_user(engine, token, now=now + IDLE - timedelta(minutes=1)) is not None
    used = now + IDLE + timedelta(hours=5)
    assert session_user(engine, token, now=used) is not None, "it was used meanwhile"
    assert session_user(engine, token, now=used + IDLE + timedelta(minutes=1)) is None
    other, at = signed_in(engine), utc_now()
    while at < now + LONGEST:
        assert session_user(engine, other, now=at) is not None
        at += IDLE / 2
    assert session_user(engine, other, now=at + timedelta(hours=1)) is None
    assert forget_sessions(engine, now=at + LONGEST) == 2
    assert session_user(engine, "guessed") is None
    with reading(engine) as connection:
        assert not connection.execute(select(UserSession.token_hash)).all()


def test_the_database_has_no_token(engine: Engine) -> None:
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="me")
    token = signed_in(engine)
    with reading(engine) as connection:
        stored = connection.execute(select(UserSession.token_hash)).scalar_one()
    assert len(token) >= 43 and token not in stored
    close_session(engine, token)
    assert session_user(engine, token) is None


def test_who_is_changed_is_signed_out_and_it_is_written_down(engine: Engine) -> None:
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
    actions = [entry["action"] for entry in audit_entries(engine)]
    assert actions == ["user removed", "password set", "role set", "user added"]


def test_the_settings_password_lets_admin_in_until_it_changes(engine: Engine) -> None:
    who = verify(engine, "admin", "secret", setting="secret")
    assert who is not None and who.role is Role.ADMIN
    assert verify(engine, "mara", "secret", setting="secret") is None
    assert verify(engine, "admin", "", setting="") is None
    token = open_session(engine, who)
    assert session_user(engine, token, setting="secret") is not None
    assert session_user(engine, token, setting="other") is None
    assert session_user(engine, token) is None
