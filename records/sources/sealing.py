"""Sealing: encryption of source URIs. Only what names no more than a host stays readable.

The cipher is Fernet (AES-128-CBC with HMAC-SHA256, from the `cryptography` library). The key is not
in the database: it is MOODLINE_SECRET_KEY, or a file on this host that only its owner can read.
"""

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from contracts.errors import SettingsError, SourceError
from contracts.redaction import redact
from runtime.files.regular_files import read_regular

_SEALED: Final = "sealed:"
ENV_REFERENCE: Final = re.compile(r"\$\{(\w+)\}")
"""A reference in a URI to an environment variable of the host that opens it."""
_EMPTY_USERINFO: Final = re.compile(r"://:?@")
_KEY_FILE: Final = "secret.key"
_MIN_KEY_LENGTH: Final = 16


class Sealer:
    """Encrypts and decrypts URIs with one key.

    secret_key: MOODLINE_SECRET_KEY; hosts that share a database need the same one. If it is empty,
    a key file in `home` is created when it is first needed. Raises SettingsError if the key is too
    short, and later if the key file cannot be used.
    """

    def __init__(self, secret_key: str, home: Path) -> None:
        if secret_key and len(secret_key) < _MIN_KEY_LENGTH:
            raise SettingsError(
                f"MOODLINE_SECRET_KEY is shorter than {_MIN_KEY_LENGTH} characters",
                hint="Use a long random key: openssl rand -base64 32",
            )
        self._secret_key = secret_key
        self._path = home / _KEY_FILE

    def seal(self, uri: str) -> str:
        """Return the URI to store: encrypted if it holds more than a host, such as a path.

        Any part behind the host can be a secret. Cameras of this host and files stay plain, and so
        does what only refers to the environment, as rtsp://${USER}:${PASSWORD}@host.
        """
        if not self.is_secret(uri):
            return uri
        return _SEALED + Fernet(self._key()).encrypt(uri.encode()).decode()

    @staticmethod
    def is_secret(stored: str) -> bool:
        """Return whether a URI is to be sealed, and is not sealed yet."""
        if stored.startswith(_SEALED):
            return False
        without_references = _EMPTY_USERINFO.sub("://", ENV_REFERENCE.sub("", stored))
        return redact(without_references) != without_references

    def resolve(self, stored: str, environment: Mapping[str, str]) -> str:
        """Return the URI to open, decrypted and with its references replaced.

        Raises SourceError if a variable is not set or the key is another one.
        """
        uri = self.unseal(stored)
        missing = [name for name in ENV_REFERENCE.findall(uri) if name not in environment]
        if missing:
            raise SourceError(
                f"the source's URI needs {', '.join(missing)}, not set in this host's environment",
                hint="Set it where `moodline up` or `moodline ingest` is started",
            )
        return ENV_REFERENCE.sub(lambda found: environment[found[1]], uri)

    def unseal(self, stored: str) -> str:
        """Return the URI as its owner gave it, with its references.

        Raises SourceError if it was sealed with another key.
        """
        if not stored.startswith(_SEALED):
            return stored
        try:
            return Fernet(self._key()).decrypt(stored.removeprefix(_SEALED)).decode()
        except InvalidToken as exc:
            raise SourceError(
                "the source's address was sealed with another key",
                hint="Set MOODLINE_SECRET_KEY to the key of the host that added the source, or "
                "give the URI again with `moodline source edit`",
            ) from exc

    def cipher(self, purpose: str) -> Fernet:
        """Return the cipher of other secrets than URIs: each purpose has a key of its own."""
        return Fernet(self._key(f"{purpose}\0"))

    def _key(self, purpose: str = "") -> bytes:
        secret = purpose + (self._secret_key or self._host_key())
        return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())

    def _host_key(self) -> str:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_name(f".{_KEY_FILE}-{secrets.token_hex(4)}")
            if not self._path.exists():
                handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w") as file:
                    file.write(secrets.token_urlsafe(32))
                with suppress(FileExistsError):
                    os.link(part, self._path)  # Atomic: the first process wins.
                part.unlink()
            return read_regular(self._path).decode().strip()
        except OSError as exc:
            raise SettingsError(
                f"cannot use the key file {self._path}: {exc.strerror}",
                hint="Set MOODLINE_SECRET_KEY, or a MOODLINE_HOME that you can write to",
            ) from exc
