"""A real MQTT broker for the tests: Eclipse Mosquitto, from the system's packages.

Without it the tests are skipped, or fail if TEST_REQUIRED names "mosquitto", as in CI.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import paho.mqtt.client as paho
import trustme
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.requirements import lacking
from tests.rtsp import free_ports

PATIENCE_S = 60
USER, PASSWORD = "moodline", "m0squitto-s3cret"


def mosquitto() -> str:
    """Return the path of Mosquitto, or skip the test."""
    path = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    return path or lacking("mosquitto", "mosquitto is not installed")


class MqttBroker:
    """Mosquitto on a port of its own; a context manager. It can be stopped and started again.

    authority: with it, the broker speaks TLS only. password: asked of everybody; "" for none.
    """

    def __init__(
        self, folder: Path, authority: trustme.CA | None = None, password: str = ""
    ) -> None:
        (self.port,) = free_ports(1)
        self._log = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        self._process: subprocess.Popen[bytes] | None = None
        lines = [f"listener {self.port} 127.0.0.1", "user root", "log_type all"]
        lines.append(f"allow_anonymous {str(not password).lower()}")
        if password:
            passwords = folder / "passwords"
            subprocess.run(
                [*("mosquitto_passwd", "-b", "-c"), passwords, USER, password], check=True
            )
            lines.append(f"password_file {passwords}")
        if authority is not None:
            certificate = authority.issue_cert("127.0.0.1")
            key, chain = folder / "broker.key", folder / "broker.pem"
            certificate.private_key_pem.write_to_path(key)
            certificate.cert_chain_pems[0].write_to_path(chain)
            lines += [f"certfile {chain}", f"keyfile {key}"]
        self._config.write_text("\n".join([*lines, ""]))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The URL without TLS and password."""
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [mosquitto(), "-c", self._config], stdout=log, stderr=log
            )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, self._log.read_text()
                assert time.monotonic() < deadline, "mosquitto does not listen"
                time.sleep(0.01)

    def stop(self) -> None:
        """End it; what it keeps is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class MqttListener:
    """A client that sees every message; a context manager. kept: the retained ones by topic."""

    def __init__(self, broker: MqttBroker) -> None:
        self._changed = threading.Condition()
        self._port = broker.port
        self.messages: list[tuple[str, bytes]] = []
        self.kept: dict[str, bytes] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.on_message = self._note
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: self._subscribed.set()

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        # As published: the mark of a message that the broker keeps.
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        self._client.subscribe("#", options=options)
        assert self._subscribed.wait(PATIENCE_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self._client.publish(topic, payload, 1, retain).wait_for_publish(PATIENCE_S)

    def wait_for(self, condition: Callable[[Self], bool], what: str) -> float:
        """Wait until the condition holds, and return how many seconds that took."""
        begin = time.monotonic()
        with self._changed:
            held = self._changed.wait_for(lambda: condition(self), PATIENCE_S)
        assert held, f"{what}; messages: {self.messages[-20:]}"
        return time.monotonic() - begin

    def wait_for_message(self, topic: str, payload: bytes | None = None) -> bytes:
        """Wait for the next message in a topic, and return its payload."""
        with self._changed:
            begin = len(self.messages)

        def found() -> list[bytes]:
            return [
                data
                for name, data in self.messages[begin:]
                if name == topic and payload in (None, data)
            ]

        self.wait_for(lambda _: bool(found()), f"no message in {topic}")
        return found()[0]

    def _note(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        with self._changed:
            self.messages.append((message.topic, message.payload))
            if message.retain and message.payload:
                self.kept[message.topic] = message.payload
            elif message.retain:
                self.kept.pop(message.topic, None)
            self._changed.notify_all()
