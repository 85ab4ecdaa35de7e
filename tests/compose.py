"""docker-compose.yml for the tests: its services as values, and its broker as a local process."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from broker.bus import Bus
from broker.embedded import server_binary
from contracts.errors import BrokerError
from tests.rtsp import free_ports

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("moodline:")}
MAKE_SECRETS = ROOT / "deploy" / "compose" / "make-secrets.sh"

_START_S = 30.0


def make_secrets(project: Path) -> Path:
    """Run make-secrets.sh for a copy of the project in this folder; return its secrets."""
    subprocess.run(["sh", MAKE_SECRETS, project], check=True, capture_output=True)
    return project / "secrets"


@contextmanager
def compose_broker(secrets: Path) -> Iterator[tuple[str, int]]:
    """Run the broker's command with these secrets; yield its URL as in the secret, and its pid."""
    (port,) = free_ports(1)
    shell, option, script = SERVICES["redis"]["command"]
    local = f"{server_binary()} --bind 127.0.0.1 --port {port}"
    script = script.replace("$$", "$").replace("/run/secrets", str(secrets))
    server = subprocess.Popen(
        [shell, option, script.replace("valkey-server", local, 1)],
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
    )
    url = (secrets / "moodline_redis_url").read_text().strip()
    assert "@redis:6379/" in url
    url = url.replace("@redis:6379/", f"@127.0.0.1:{port}/")
    try:
        _wait(url)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait()


def _wait(url: str) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            Bus.connect(url).close()
            return
        except BrokerError:
            assert time.monotonic() < deadline, "the broker of docker-compose.yml did not start"
