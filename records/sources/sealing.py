"""Secrets in the database: a source's URI is sealed there when it holds credentials.

Sealed with Fernet (AES-128-CBC and HMAC-SHA256, of the `cryptography` library). The key is not in
the database: it is MOODLINE_SECRET_KEY, or a file of this host that only its owner can read.
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

_SEALED: Final = "sealed:"
REFERENCE: Final = re.compile(r"\$\{(\w+)\}")
"""What stands in a URI for a variable of the environment of the host that opens it."""

_EMPTY_USERINFO: Final = re.compile(r"://:?@")
_KEY_FILE: Final = "secret.key"
_LEAST_KEY: Final = 16


class Sealer:
    """Seals and opens URIs with one key. The key file is made when it is first needed.

    secret_key: as MOODLINE_SECRET_KEY gives it; hosts that share a database need the same.
    """

    def __init__(self, secret_key: str, home: Path) -> None:
        if secret_key and len(secret_key) < _LEAST_KEY:
            raise SettingsError(
                f"MOODLINE_SECRET_KEY is shorter than {_LEAST_KEY} characters",
                hint="Give a long random one: openssl rand -base64 32",
            )
        self._secret_key = secret_key
        self._path = home / _KEY_FILE

    def stored(self, uri: str) -> str:
        """The URI as the database keeps it: sealed if it holds a secret of its own.

        One that only refers to the environment, as rtsp://${USER}:${PASSWORD}@host, stays plain.
        """
        bare = _EMPTY_USERINFO.sub("://", REFERENCE.sub("", uri))
        if redact(bare) == bare:
            return uri
        return _SEALED + Fernet(self._key()).encrypt(uri.encode()).decode()

    def opened(self, stored: str, environment: Mapping[str, str]) -> str:
        """The URI to open, with its references filled in. Raises SourceError."""
        uri = self.unsealed(stored)
        missing = [name for name in REFERENCE.findall(uri) if name not in environment]
        if missing:
            raise SourceError(
                f"its URI refers to {', '.join(missing)}, not in this host's environment",
                hint="Set it where `moodline up` or `moodline ingest` is started",
            )
        return REFERENCE.sub(lambda found: environment[found[1]], uri)

    def unsealed(self, stored: str) -> str:
        """The URI as its owner gave it, with its references. Raises SourceError."""
        if not stored.startswith(_SEALED):
            return stored
        try:
            return Fernet(self._key()).decrypt(stored.removeprefix(_SEALED)).decode()
        except InvalidToken as exc:
            raise SourceError(
                "its credentials were sealed with another key",
                hint="Set the MOODLINE_SECRET_KEY of the host that added it, or give its URI "
                "again with `moodline source edit`",
            ) from exc

    def _key(self) -> bytes:
        secret = self._secret_key or self._key_of_this_host()
        return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())

    def _key_of_this_host(self) -> str:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part = self._path.with_name(f".{_KEY_FILE}-{secrets.token_hex(4)}")
            if not self._path.exists():
                handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w") as file:
                    file.write(secrets.token_urlsafe(32))
                with suppress(FileExistsError):
                    os.link(part, self._path)  # Whole, and only if nobody was faster.
                part.unlink()
            return self._path.read_text().strip()
        except OSError as exc:
            raise SettingsError(
                f"cannot use the key file {self._path}: {exc.strerror}",
                hint="Set MOODLINE_SECRET_KEY, or a MOODLINE_HOME that you can write to",
            ) from exc
