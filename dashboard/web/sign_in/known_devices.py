"""Known devices: browsers in which a user signed in before, shown by an encrypted cookie.

Guesses elsewhere never slow a known device down. It has a limit of its own, as the cookie may be
stolen (OWASP: "Slow down online guessing attacks with device cookies").
"""

import secrets
from contextlib import suppress
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

from contracts.errors import SettingsError
from records.sources.sealing import Sealer

DEVICE_AGE_S: Final = 180 * 86400
_PURPOSE: Final = "known device"
_ID_BYTES: Final = 9


class KnownDevices:
    """Issues and reads the cookies of known devices."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def cookie(self, name: str) -> str:
        """Return the cookie of a new device on which `name` signed in; "" if there is no key."""
        cipher = self._cipher()
        text = f"{secrets.token_urlsafe(_ID_BYTES)}:{name}"
        return cipher.encrypt(text.encode()).decode() if cipher is not None else ""

    def device(self, cookie: str, name: str) -> str:
        """Return the id of the device if `name` signed in on it before, else ""."""
        cipher = self._cipher() if cookie else None
        if cipher is None:
            return ""
        with suppress(InvalidToken, ValueError):
            text = cipher.decrypt(cookie.encode(), ttl=DEVICE_AGE_S).decode()
            device, _, known = text.partition(":")
            return device if known == name else ""
        return ""

    def _cipher(self) -> Fernet | None:
        """Return the cipher; None if there is no key and none can be written, as on a full disk."""
        with suppress(SettingsError):
            return self._sealer.cipher(_PURPOSE)
        return None
