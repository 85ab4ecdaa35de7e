"""Passwords, stored as Argon2id hashes (RFC 9106)."""

import hashlib
import secrets
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.errors import UserError

MIN_PASSWORD_LENGTH: Final = 10
MAX_PASSWORD_LENGTH: Final = 1024
_HASHER: Final = PasswordHasher()


def hash_password(password: str) -> str:
    """Return the hash to store. Raises UserError if the password is too short or too long."""
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise UserError(
            f"a password must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters",
            hint="Use three or four words that nobody would guess",
        )
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
