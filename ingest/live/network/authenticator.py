"""Authenticator: answers the challenges of HTTP and RTSP servers: Basic, and Digest (RFC 7616)."""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import SplitResult, unquote
from urllib.request import parse_http_list, parse_keqv_list

_HASHES: Final = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_SESSION: Final = "-SESS"
"""End of the name of an algorithm that hashes the secret with the nonces."""
_MAX_CHALLENGE: Final = 2048


class Authenticator:
    """The credentials in a URI, and the server's last challenge."""

    def __init__(self, uri: SplitResult) -> None:
        self._user = unquote(uri.username or "")
        self._password = unquote(uri.password or "")
        self._scheme = ""
        self._challenge: dict[str, str] = {}
        self._count = 0

    def accept(self, challenges: Sequence[str]) -> bool:
        """Take over the best of the challenges; return whether it can be answered."""
        if not self._user:
            return False
        self._scheme = ""
        for text in challenges:
            scheme, _, values = text.strip().partition(" ")
            if not text.isprintable() or len(text) > _MAX_CHALLENGE:
                continue
            if scheme.lower() == "basic" and not self._scheme:
                self._scheme = "basic"
            elif scheme.lower() == "digest" and self._scheme != "digest":
                self._accept_digest(values)
        return bool(self._scheme)

    def header(self, method: str, uri: str) -> str:
        """Return the value of `Authorization` for a request; "" before there is a challenge."""
        if self._scheme == "basic":
            return "Basic " + b64encode(f"{self._user}:{self._password}".encode()).decode()
        if self._scheme != "digest":
            return ""
        given = self._challenge
        secret = self._hash(f"{self._user}:{given['realm']}:{self._password}")
        request = self._hash(f"{method}:{uri}")
        fields = {
            "username": self._user,
            "realm": given["realm"],
            "nonce": given["nonce"],
            "uri": uri,
        }
        middle, own_nonce = given["nonce"], secrets.token_hex(8)
        bare = {}
        if self._is_session:
            secret = self._hash(f"{secret}:{middle}:{own_nonce}")
            fields["cnonce"] = own_nonce
        if "auth" in [one.strip() for one in given.get("qop", "").split(",")]:
            self._count += 1
            count = f"{self._count:08x}"
            middle = f"{middle}:{count}:{own_nonce}:auth"
            fields["cnonce"] = own_nonce
            bare = {"qop": "auth", "nc": count}
        fields["response"] = self._hash(f"{secret}:{middle}:{request}")
        if "opaque" in given:
            fields["opaque"] = given["opaque"]
        if "algorithm" in given:
            bare["algorithm"] = given["algorithm"]
        quoted = [f'{name}="{_quoted(value)}"' for name, value in fields.items()]
        return "Digest " + ", ".join(quoted + [f"{name}={value}" for name, value in bare.items()])

    def _accept_digest(self, values: str) -> None:
        pairs = [one for one in parse_http_list(values) if "=" in one]
        found = {name.lower(): value for name, value in parse_keqv_list(pairs).items()}
        if _hash_name(found) not in _HASHES:
            return
        if "realm" not in found or "nonce" not in found:
            return
        if self._challenge.get("nonce") != found["nonce"]:
            self._count = 0
        self._scheme, self._challenge = "digest", found

    def _hash(self, text: str) -> str:
        return _HASHES[_hash_name(self._challenge)](text.encode()).hexdigest()

    @property
    def _is_session(self) -> bool:
        return self._challenge.get("algorithm", "").upper().endswith(_SESSION)


def _hash_name(challenge: Mapping[str, str]) -> str:
    return challenge.get("algorithm", "MD5").upper().removesuffix(_SESSION)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
