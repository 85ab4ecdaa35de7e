"""Redaction: removes credentials from URIs and messages before they are logged, shown or stored."""

import re

# Up to the last "@": a password may contain an unescaped "/", "?" or "#".
_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]*://)\S*@")
# Text before such a word belongs to the parameter's name, as in access_token or loginpas.
_SECRET_PARAMETER = re.compile(
    r"(?P<key>(?:passwd|passw|password|passphrase|pass|pas|pwd|psw|token|secret|apikey|auth|key"
    r"|signature|sig|credentials?|(?<!\w)pw|(?<=[?&;])p)\d*=)[^&\s\"']+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return `text` with *** for the user info and the secret parameters of every URI in it.

    Covers a password that contains "@" or "/", and a parameter within a path, such as
    user=admin_password=1_channel=1. An "@" in a path is taken for the end of the user info.
    """
    redacted = _USERINFO.sub(lambda match: f"{match['scheme']}***@", text)
    return _SECRET_PARAMETER.sub(lambda match: f"{match['key']}***", redacted)
