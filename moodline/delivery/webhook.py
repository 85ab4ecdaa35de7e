"""Webhooks by the Standard Webhooks specification: one signed POST, without redirects."""

import base64
import http.client
import socket
import ssl
import threading
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, unquote

from standardwebhooks import Webhook

from contracts.alerts.target import AlertTarget, webhook_parts, webhook_port
from contracts.errors import AlertError
from moodline.delivery.messages import MAX_BODY_BYTES, Message
from moodline.delivery.retries import Outcome
from runtime.network.addresses import Resolver, resolve_host
from runtime.network.webhook_hosts import check_webhook_host
from runtime.visible_text import visible

TIMEOUT_S: Final = 20.0
"""For the whole of an attempt, however slowly the receiver answers."""
_CONNECT_S: Final = 5.0
_MAX_ADDRESSES: Final = 4
_MAX_TEXT: Final = 200
_REDIRECTS: Final = range(300, 400)
_REFUSED: Final = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


def send_webhook(  # noqa: PLR0913  (most by name)
    target: AlertTarget,
    message: Message,
    now: datetime,
    *,
    allowed: Collection[str] = (),
    resolve: Resolver = resolve_host,
    timeout_s: float = TIMEOUT_S,
) -> Outcome:
    """Attempt to deliver a message. Raises nothing: what failed is in the outcome.

    allowed: hosts in private networks that the owner of this host named.
    """
    body = message.body.encode()
    if len(body) >= MAX_BODY_BYTES:
        return Outcome(False, f"the message has {len(body):,} bytes", refused=True)
    try:
        parts = webhook_parts(target.address)
        host = parts.hostname or ""
        addresses = check_webhook_host(host, named=target.private, allowed=allowed, resolve=resolve)
        headers = _headers(target, message, parts, now)
        status, retry_after = _post(parts, addresses, headers, body, timeout_s)
    except AlertError as exc:
        return Outcome(False, exc.line())
    except ssl.SSLCertVerificationError as exc:
        return Outcome(False, f"the certificate is not valid: {exc.verify_message}")
    except TimeoutError:
        return Outcome(False, f"no answer within {timeout_s:g} s")
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
        return Outcome(False, visible(reason)[:_MAX_TEXT])
    return _outcome(status, retry_after, now)


def _outcome(status: int, retry_after: str, now: datetime) -> Outcome:
    text = f"HTTP status {status}"
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(True, text)
    if status == HTTPStatus.GONE:
        return Outcome(False, f"{text}: the receiver wants no more", gone=True)
    if status in _REDIRECTS:
        return Outcome(False, f"{text}: it redirects, which is not followed. Give the new URL")
    return Outcome(
        False, text, refused=status in _REFUSED, retry_after_s=_pause_s(retry_after, now)
    )


def _pause_s(retry_after: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for; None without a valid one."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), timedelta(days=1).total_seconds())
    with suppress(ValueError):
        moment = parsedate_to_datetime(retry_after)
        return max((moment.astimezone(UTC) - now).total_seconds(), 0.0)
    return None


def _headers(
    target: AlertTarget, message: Message, parts: SplitResult, now: datetime
) -> dict[str, str]:
    moment = now.astimezone(UTC)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "moodline",
        "Connection": "close",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(target.secret).sign(message.id, moment, message.body),
    }
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    return headers


def _post(
    parts: SplitResult,
    addresses: Collection[str],
    headers: dict[str, str],
    body: bytes,
    timeout_s: float,
) -> tuple[int, str]:
    """Return the status, and the header Retry-After. Raises OSError or HTTPException."""
    port = webhook_port(parts)
    connection = http.client.HTTPConnection(parts.hostname or "", port)
    connection.default_port = {"http": 80, "https": 443}[parts.scheme]
    is_late = threading.Event()
    # The name was resolved and checked: what is connected to is one of these addresses.
    sock = _connect(list(addresses)[:_MAX_ADDRESSES], port)
    sock.settimeout(timeout_s)
    connection.sock, watched = sock, sock.dup()  # TLS takes the first one over.

    def end() -> None:
        is_late.set()
        with suppress(OSError):
            watched.shutdown(socket.SHUT_RDWR)

    deadline = threading.Timer(timeout_s, end)
    deadline.daemon = True
    deadline.start()
    try:
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(sock, server_hostname=parts.hostname)
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection.request("POST", target if target[0] == "/" else f"/{target}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("retry-after") or ""
    except (OSError, http.client.HTTPException) as exc:
        if is_late.is_set():
            raise TimeoutError from exc
        raise
    finally:
        deadline.cancel()
        connection.close()
        watched.close()


def _connect(addresses: list[str], port: int) -> socket.socket:
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), _CONNECT_S)
    return socket.create_connection((addresses[-1], port), _CONNECT_S)
