"""TLS without a proxy: the certificate and key that the dashboard serves HTTPS with."""

import ssl
from pathlib import Path

from contracts.errors import SettingsError


def tls_context(certificate: str, key: str) -> ssl.SSLContext | None:
    """Return a context of TLS 1.2 or later, from two PEM files; None if both paths are "".

    Raises SettingsError if only one is given, a file cannot be read, or they do not match.
    """
    if not certificate and not key:
        return None
    if not certificate or not key:
        raise SettingsError(
            "TLS needs both a certificate and its key",
            hint="Give --tls-cert FILE and --tls-key FILE, in PEM format",
        )
    cert_path, key_path = (Path(one).expanduser() for one in (certificate, key))
    for path in (cert_path, key_path):
        try:
            path.read_bytes()
        except OSError as exc:
            raise SettingsError(f"cannot read {path}: {exc.strerror}") from exc
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert_path, key_path, password=_no_password)
    except (ssl.SSLError, ValueError) as exc:
        raise SettingsError(
            f"{certificate} and {key} are not a certificate and its key: "
            f"{getattr(exc, 'reason', None) or exc}",
            hint="Both must be PEM files, the key without a passphrase; the certificate comes "
            "first in its file, then the intermediate ones",
        ) from exc
    return context


def _no_password() -> str:
    """Refuse an encrypted key, for which OpenSSL would ask on the terminal."""
    raise ValueError("the key has a passphrase")
