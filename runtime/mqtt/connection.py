"""MqttConnection: a connection to an MQTT broker that is kept, and renewed with back-off."""

import contextvars
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from contracts.errors import MqttError, SettingsError
from contracts.parsing.mqtt_server import MqttServer
from contracts.redaction import redact
from runtime.mqtt.messages import MqttMessage

KEEP_ALIVE_S: Final = 10
"""The broker publishes the last will when it hears nothing for one and a half times as long."""
_QOS: Final = 1
_CONNECT_S: Final = 5.0
_CLOSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 30
_MAX_WAITING: Final = 1000
_MAX_PAYLOAD: Final = 64 * 1024


class MqttConnection:
    """A connection in a thread of its own; a context manager.

    will: what the broker publishes when this process dies. topics: subscribed to at each
    connection. on_connected, on_message: called in that thread; they must not block or raise.
    """

    def __init__(  # noqa: PLR0913  (all but two by name)
        self,
        server: MqttServer,
        client_id: str,
        *,
        will: MqttMessage | None = None,
        topics: Sequence[str] = (),
        on_connected: Callable[[], None] = lambda: None,
        on_message: Callable[[MqttMessage], None] = lambda _message: None,
    ) -> None:
        self._server = server
        self._topics = topics
        self._on_connected = on_connected
        self._on_message = on_message
        self._connected = threading.Event()
        self._tried = threading.Event()
        self._trouble = "connecting"
        self._client = client = _client(server, client_id)
        # Not paho's own thread: to stop, it waits for a broker that does not answer.
        self._closing = threading.Event()
        # In the context of whoever opens it, which may guard what is connected to.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=[self._loop], name="mqtt", daemon=True)
        if will is not None:
            client.will_set(will.topic, will.payload, _QOS, will.retain)
        client.on_connect = self._note_connected
        client.on_connect_fail = self._note_failed
        client.on_disconnect = self._note_disconnected
        client.on_message = self._note_message

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        self._client.disconnect()
        self._thread.join(_CLOSE_S)

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted this connection, and it is open."""
        return self._connected.is_set()

    @property
    def trouble(self) -> str:
        """Why it is not connected, without credentials; "" while it is."""
        return "" if self.is_connected else f"{self._server}: {self._trouble}"

    def wait_tried(self, timeout_s: float) -> bool:
        """Wait for the end of the first attempt, and return whether it is connected."""
        self._tried.wait(timeout_s)
        return self.is_connected

    def publish(self, message: MqttMessage) -> "paho.MQTTMessageInfo | None":
        """Send a message, and return its delivery, or None if it is not connected.

        The delivery ends when the broker has acknowledged the message. Never blocks.
        """
        if not self.is_connected:
            return None
        info = self._client.publish(message.topic, message.payload, _QOS, message.retain)
        return info if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def _loop(self) -> None:
        """Connect, and connect again, until closed."""
        while not self._closing.is_set():
            try:
                self._client.connect_async(
                    self._server.host, self._server.port, keepalive=KEEP_ALIVE_S
                )
                self._client.loop_forever(retry_first_connection=True)
            except Exception as exc:  # noqa: BLE001  (what a broker sends may be no MQTT)
                self._trouble = redact(f"it sends what is not MQTT: {type(exc).__name__}")
                self._connected.clear()
                self._tried.set()
                self._closing.wait(_LONGEST_PAUSE_S)

    def _note_connected(
        self, client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if self._closing.is_set():
            client.disconnect()
            return
        if reason.is_failure:
            self._trouble = f"the broker refuses the connection: {reason}"
            self._tried.set()
            return
        if self._topics:
            client.subscribe([(topic, _QOS) for topic in self._topics])
        self._connected.set()
        self._tried.set()
        self._on_connected()

    def _note_failed(self, _client: paho.Client, _data: Any) -> None:
        self._connected.clear()
        self._trouble = redact(f"cannot connect: {_reason(sys.exception())}")
        self._tried.set()

    def _note_disconnected(
        self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        if self.is_connected or not self._tried.is_set():
            self._trouble = f"the connection ended: {reason}"
        self._connected.clear()
        self._tried.set()

    def _note_message(self, _client: paho.Client, _data: Any, found: paho.MQTTMessage) -> None:
        if len(found.payload) > _MAX_PAYLOAD:
            return
        with suppress(UnicodeDecodeError):  # Of the topic.
            self._on_message(MqttMessage(found.topic, bytes(found.payload), found.retain))


def deliver(
    server: MqttServer, client_id: str, messages: Sequence[MqttMessage], timeout_s: float
) -> None:
    """Publish messages in a connection of their own, in order; return when all are acknowledged.

    Blocks for `timeout_s` at most. Raises MqttError if a message is not acknowledged by then.
    """
    with MqttConnection(server, client_id) as connection:
        if not connection.wait_tried(timeout_s):
            raise MqttError(f"cannot connect to {connection.trouble}")
        for message in messages:
            sent = connection.publish(message)
            if sent is not None:
                sent.wait_for_publish(timeout_s)
            if sent is None or not sent.is_published():
                raise MqttError(f"{server} did not acknowledge a message to {message.topic}")


def _reason(error: BaseException | None) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    return (getattr(error, "strerror", None) or str(error)) if error else "no reason given"


def _client(server: MqttServer, client_id: str) -> paho.Client:
    # MQTT 3.1.1 is what every broker has.
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id, protocol=paho.MQTTv311)
    if server.user:
        client.username_pw_set(server.user, server.password)
    if server.tls:
        try:
            client.tls_set_context(ssl.create_default_context(cafile=server.ca_file or None))
        except (OSError, ssl.SSLError) as exc:
            raise SettingsError(
                f"cannot use the CA file {server.ca_file} of {server}: {redact(str(exc))}",
                hint="Give the PEM file of the authority that signed the broker's certificate",
            ) from exc
    client.connect_timeout = _CONNECT_S
    client.reconnect_delay_set(1, _LONGEST_PAUSE_S)
    client.max_queued_messages_set(_MAX_WAITING)
    return client
