"""Passwords: which ones are accepted, and their storage as Argon2id hashes (RFC 9106)."""

import hashlib
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.errors import UserError

MIN_PASSWORD_LENGTH: Final = 10
MAX_PASSWORD_LENGTH: Final = 1024
_MIN_SCORE: Final = 3
"""zxcvbn's 3 of 4: more than 10^8 guesses."""
_JUDGED_LENGTH: Final = 72
"""The longest text that zxcvbn judges; longer ones would take it seconds."""
_PLACEHOLDER: Final = "change-me"
"""The first characters of the passwords in .env.example."""
_HASHER: Final = PasswordHasher()


def check_new_password(password: str, name: str = "") -> None:
    """Raise UserError if the password is too short, too long or easy to guess.

    name: of the user, which must not be the password.
    """
    from zxcvbn import zxcvbn  # noqa: PLC0415  Its word lists are slow to import.

    hint = "Use three or four words that nobody would guess"
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise UserError(
            f"a password must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters",
            hint=hint,
        )
    if password.lower().startswith(_PLACEHOLDER):
        raise UserError("the password is that of the example file", hint=hint)
    judged = zxcvbn(password[:_JUDGED_LENGTH], user_inputs=[name, "moodline"])
    if judged["score"] < _MIN_SCORE:
        why = judged["feedback"]["warning"].rstrip(".")
        raise UserError(
            f"the password is easy to guess{f': {why.lower()}' if why else ''}", hint=hint
        )


def hash_password(password: str) -> str:
    """Return the hash to store."""
    return _HASHER.hash(password)


def password_matches(hashed: str | None, password: str) -> bool:
    """Return whether the password has that hash.

    hashed: None if there is no such user; the check then takes as long and returns False.
    """
    try:
        return _HASHER.verify(hashed or _unknown_user_hash(), password) and hashed is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def password_fingerprint(password: str) -> str:
    """Return a value that changes with the password and does not reveal it."""
    return hashlib.scrypt(password.encode(), salt=b"moodline", n=2**14, r=8, p=1, dklen=32).hex()


@cache
def _unknown_user_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe())
