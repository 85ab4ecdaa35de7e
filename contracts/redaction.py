"""Redaction: removes credentials from URIs and messages before they are logged, shown or stored."""

import re
from typing import Final

_URI: Final = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]*)://(?P<rest>\S*)")
_CAMERA_SCHEMES: Final = frozenset(
    {"rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "rtp", "srt"}
)
"""Cameras have secrets in paths and in parameters of any name, so only their host is shown."""
_HOST: Final = re.compile(r"(?:\[[:.%\w]*\]|(?:\$\{\w+\}|[\w.\-])*)(?::\d+)?")
_CLOSING: Final = re.compile(r"[\"'`)\]}>,;:.!]*\Z")
# Text before such a word belongs to the parameter's name, as in access_token or loginpas.
_SECRET_PARAMETER: Final = re.compile(
    r"(?P<key>(?:passwd|passw|password|passphrase|pass|pas|pwd|psw|token|secret|apikey|auth|key"
    r"|signature|sig|credentials?|jwt|(?<!\w)pw|(?<=[?&;])(?:p|code|otp|session|sessionid|sid))"
    r"\d*=)[^&\s\"']+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return `text` without the secrets of the URIs in it.

    Of a camera's URI the scheme, host and port stay. Of another one, such as a database's, only the
    user info and the secret parameters become ***; so do secret parameters outside of URIs. An "@"
    in a path is taken for the end of the user info, and where that is not certain nothing stays.
    """
    return _SECRET_PARAMETER.sub(lambda match: f"{match['key']}***", _URI.sub(_redacted, text))


def _redacted(uri: re.Match[str]) -> str:
    scheme, rest = uri["scheme"], uri["rest"]
    userinfo, at, place = rest.rpartition("@")
    if scheme.lower() not in _CAMERA_SCHEMES:
        return f"{scheme}://***@{place}" if at else f"{scheme}://{place}"
    if any(mark in userinfo for mark in "/?#"):  # An unescaped password, or an @ in the path.
        return f"{scheme}://***"
    host = _HOST.match(place)
    assert host is not None  # It matches the empty text too.
    after = place[host.end() :]
    closing = _CLOSING.search(after)
    assert closing is not None
    return f"{scheme}://{host[0]}{closing[0]}"
