"""Credentials out of every URI and message before it is logged, shown or stored."""

import re

# To the last "@": a password with "/", "?" or "#" as it is still belongs to the user info.
_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]*://)\S*@")
# Whatever stands before such a word is part of the parameter's name: access_token, loginpas.
_SECRET_PARAMETER = re.compile(
    r"(?P<key>(?:passwd|passw|password|passphrase|pass|pas|pwd|psw|token|secret|apikey|auth|key"
    r"|signature|sig|credentials?|(?<!\w)pw|(?<=[?&;])p)\d*=)[^&\s\"']+",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """`text` with the user info and the secret parameters of every URI in it starred out.

    A password that itself holds an "@" or a "/" is covered, and one parameter in a path, as in
    user=admin_password=1_channel=1. An "@" in a path is taken for the end of a user info.
    """
    starred = _USERINFO.sub(lambda found: f"{found['scheme']}***@", text)
    return _SECRET_PARAMETER.sub(lambda found: f"{found['key']}***", starred)
