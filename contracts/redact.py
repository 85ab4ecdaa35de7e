"""Credentials out of every URI and message before it is logged, shown or stored."""

import re

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]*://)(?P<userinfo>[^/?#\s]*)@")
_SECRET_PARAMETER = re.compile(
    r"(?P<key>\b(?:password|passwd|pwd|pass|token|secret|apikey|api_key|auth|key|signature)=)"
    r"[^&\s\"']+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` with the user info and the secret parameters of every URI in it starred out.

    A password that itself holds an "@" is covered: user info reaches to the last "@" before
    the path.
    """
    starred = _USERINFO.sub(lambda found: f"{found['scheme']}***@", text)
    return _SECRET_PARAMETER.sub(lambda found: f"{found['key']}***", starred)
