"""Second factors: each code works once, near its time, and only with the right key."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, select

from contracts.errors import UserError
from records.database import reading
from records.tables.users import User
from records.users.accounts import add_user, authenticate
from records.users.roles import Role
from records.users.second_factor import (
    begin_second_factor,
    check_code,
    confirm_second_factor,
    remove_second_factor,
    second_factor,
)

PASSWORD = "correct horse battery"
NOW = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)
STEP = timedelta(seconds=30)
CIPHER = Fernet(Fernet.generate_key())


@pytest.fixture
def mara(engine: Engine) -> int:
    """The key of a user without a second factor."""
    add_user(engine, "mara", Role.VIEWER, PASSWORD, actor="test")
    user = authenticate(engine, "mara", PASSWORD)
    assert user is not None and user.pk is not None
    return user.pk


def enrol(engine: Engine, pk: int) -> tuple[pyotp.TOTP, list[str]]:
    """Put a second factor into force; return the app and the recovery codes."""
    app = pyotp.TOTP(begin_second_factor(engine, pk, CIPHER).secret)
    return app, confirm_second_factor(engine, pk, app.at(NOW), CIPHER, now=NOW)


@pytest.mark.both_databases
def test_each_code_works_once_and_near_its_time(engine: Engine, mara: int) -> None:
    app, _ = enrol(engine, mara)
    later = NOW + 2 * STEP
    assert not check_code(engine, mara, app.at(NOW), CIPHER, now=NOW), "it confirmed the factor"
    assert not check_code(engine, mara, app.at(later + 2 * STEP), CIPHER, now=later)
    assert check_code(engine, mara, app.at(later), CIPHER, now=later)
    assert not check_code(engine, mara, app.at(later), CIPHER, now=later)
    assert not check_code(engine, mara, app.at(later - STEP), CIPHER, now=later), "an older one"
    assert check_code(engine, mara, f" {app.at(later + STEP)} ", CIPHER, now=later)
    for nonsense in ("", "x" * 1000, "١٢٣٤٥٦", "-1", "\0"):
        assert not check_code(engine, mara, nonsense, CIPHER, now=later + 9 * STEP)


def test_a_recovery_code_works_once_and_is_not_stored(engine: Engine, mara: int) -> None:
    _, codes = enrol(engine, mara)
    assert len(set(codes)) == 10
    with reading(engine) as connection:
        stored = connection.execute(select(User.recovery_codes, User.code_secret)).one()
    assert not any(code in stored[0] for code in codes)
    assert check_code(engine, mara, codes[3].lower().replace("-", " "), CIPHER)
    assert not check_code(engine, mara, codes[3], CIPHER)
    factor = second_factor(engine, mara)
    assert factor is not None and factor.recovery_codes == 9


def test_the_secret_is_sealed_and_needs_its_key(engine: Engine, mara: int) -> None:
    app, codes = enrol(engine, mara)
    with reading(engine) as connection:
        assert app.secret not in connection.execute(select(User.code_secret)).scalar_one()
    other = Fernet(Fernet.generate_key())
    with pytest.raises(UserError, match="another key"):
        check_code(engine, mara, "123456", other)
    assert check_code(engine, mara, codes[0], other), "recovery codes need no key"


def test_a_second_factor_is_in_force_from_its_confirmation_to_its_removal(
    engine: Engine, mara: int
) -> None:
    begin_second_factor(engine, mara, CIPHER)
    with pytest.raises(UserError, match="wrong"):
        confirm_second_factor(engine, mara, "000000", CIPHER, now=NOW)
    user = authenticate(engine, "mara", PASSWORD)
    assert user is not None and not user.needs_code
    enrol(engine, mara)
    user = authenticate(engine, "mara", PASSWORD)
    assert user is not None and user.needs_code
    with pytest.raises(UserError, match="already"):
        begin_second_factor(engine, mara, CIPHER)
    remove_second_factor(engine, "Mara", actor="test")
    assert second_factor(engine, mara) is None
    with pytest.raises(UserError, match="no user"):
        remove_second_factor(engine, "mara", actor="test")
