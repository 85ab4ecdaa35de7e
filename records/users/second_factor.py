"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

The secret is sealed with this installation's key. Each code works once. Of recovery codes only
the SHA-256 is stored: they are random enough that nobody can guess one from it.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pyotp
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection, Engine, Row, select, update

from contracts.errors import UserError
from contracts.times import utc_now
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import reading, transaction
from records.tables.users import User

PURPOSE: Final = "second factor"
"""The cipher's purpose, see `Sealer.cipher`."""
_ISSUER: Final = "moodline"
_RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_STEPS: Final = (-1, 0, 1)
"""Codes of the step before and after are valid too, because clocks differ."""
_NONE: Final = {"code_secret": "", "code_since": None, "code_step": 0, "recovery_codes": ""}


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A secret for authenticator apps. uri: otpauth://, for a QR code. secret: Base32."""

    uri: str
    secret: str


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """A second factor in force. recovery_codes: how many are left."""

    since: datetime
    recovery_codes: int


def second_factor(engine: Engine, pk: int) -> SecondFactor | None:
    """Return a user's second factor; None if sign-in asks for no code. Raises UserError."""
    with reading(engine) as connection:
        user = _user(connection, pk)
    if user.code_since is None:
        return None
    return SecondFactor(user.code_since, len(user.recovery_codes.split()))


def begin_second_factor(engine: Engine, pk: int, cipher: Fernet) -> Enrolment:
    """Give a user a new secret. It is not in force until `confirm_second_factor`.

    Raises UserError if a second factor is in force already.
    """
    secret = pyotp.random_base32()
    with transaction(engine) as connection:
        user = _user(connection, pk)
        if user.code_since is not None:
            raise UserError("a second factor is in force already", hint="Remove it first")
        values = _NONE | {"code_secret": cipher.encrypt(secret.encode()).decode()}
        connection.execute(update(User).where(User.id == pk).values(**values))
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=_ISSUER)
    return Enrolment(uri, secret)


def confirm_second_factor(
    engine: Engine, pk: int, code: str, cipher: Fernet, *, now: datetime | None = None
) -> list[str]:
    """Put the new secret into force, and return the recovery codes, which are shown once.

    Raises UserError if the code is wrong: the app has another secret, or the clocks differ.
    """
    now = now or utc_now()
    with transaction(engine) as connection:
        user = _user(connection, pk)
        step = _step_of(user, code, cipher, now)
        if step is None or user.code_since is not None:
            raise UserError(
                "the code is wrong", hint="Enter the app's current code, and check both clocks"
            )
        codes = [_new_recovery_code() for _ in range(_RECOVERY_CODES)]
        values = {
            "code_since": now,
            "code_step": step,
            "recovery_codes": "\n".join(map(_digest, codes)),
        }
        connection.execute(update(User).where(User.id == pk).values(**values))
        write_audit_entry(connection, user.name, Action.SECOND_FACTOR_ADDED, {"user": user.name})
    return codes


def check_code(
    engine: Engine, pk: int, code: str, cipher: Fernet, *, now: datetime | None = None
) -> bool:
    """Return whether the code, or recovery code, is right and unused, and use it up."""
    with reading(engine) as connection:
        user = _user(connection, pk)
    step = _step_of(user, code, cipher, now or utc_now())
    left = user.recovery_codes.split("\n")
    used: dict[str, Any]
    if step is not None:
        condition, used = User.code_step < step, {"code_step": step}
    elif _digest(code) in left:
        condition = User.recovery_codes == user.recovery_codes
        used = {"recovery_codes": "\n".join(one for one in left if one != _digest(code))}
    else:
        return False
    with transaction(engine) as connection:  # Of two uses at once, the second finds no row.
        return (
            connection.execute(update(User).where(User.id == pk, condition).values(**used)).rowcount
            == 1
        )


def remove_second_factor(engine: Engine, name: str, *, actor: str) -> None:
    """Remove a user's second factor. Raises UserError if there is no such user, or none."""
    with transaction(engine) as connection:
        changed = connection.execute(
            update(User)
            .where(User.name == name.lower(), User.code_since.is_not(None))
            .values(**_NONE)
        ).rowcount
        if not changed:
            raise UserError(
                f"no user {name} with a second factor", hint="`moodline user list` shows them"
            )
        write_audit_entry(connection, actor, Action.SECOND_FACTOR_REMOVED, {"user": name.lower()})


def _user(connection: Connection, pk: int) -> Row[Any]:
    row = connection.execute(select(User.__table__).where(User.id == pk)).first()
    if row is None:
        raise UserError("the user was removed")
    return row


def _step_of(user: Row[Any], code: str, cipher: Fernet, now: datetime) -> int | None:
    """Return the 30 s step whose code this is; None for a wrong or used one."""
    code = "".join(code.split())
    if not (user.code_secret and code.isascii() and code.isdigit()):
        return None
    try:
        totp = pyotp.TOTP(cipher.decrypt(user.code_secret.encode()).decode())
    except InvalidToken as exc:
        raise UserError(
            "the second factor was sealed with another key",
            hint="Use a recovery code, or set MOODLINE_SECRET_KEY to the key of before",
        ) from exc
    current = totp.timecode(now)
    for step in (current + offset for offset in _STEPS):
        if step > user.code_step and secrets.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def _new_recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _digest(code: str) -> str:
    plain = "".join(one for one in code.upper() if one.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
