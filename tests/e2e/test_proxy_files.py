"""The reverse proxies of deploy/proxy, run in front of a real dashboard."""

import http.client
import shutil
import ssl
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from broker.embedded import EmbeddedBroker
from tests.e2e.commands import TIMEOUT_S, Installation, poll
from tests.requirements import lacking
from tests.rtsp import free_ports

PROXIES = Path(__file__).parents[2] / "deploy" / "proxy"
PASSWORD = "of-a-test-7c5e0b1f"
NAME = "moodline.example"


@pytest.fixture(scope="module")
def dashboard(broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run `moodline dashboard --sign-in`, as the proxies expect it; yield its port."""
    (port,) = free_ports(1)
    env = {"MOODLINE_DASHBOARD_PASSWORD": PASSWORD, "MOODLINE_REDIS_URL": broker.url}
    host = Installation(tmp_path_factory.mktemp("proxied") / "home", env)
    service = host.start("dashboard", "--sign-in", "--port", str(port))
    try:
        poll(lambda: is_open(port))
        yield port
    finally:
        service.terminate()
        service.communicate(timeout=TIMEOUT_S)


def is_open(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/login")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Proxy:
    """A running proxy: requests to it, by the name of its certificate."""

    def __init__(self, port: int, authority: trustme.CA) -> None:
        self.port = port
        self._context = ssl.create_default_context()
        authority.configure_trust(self._context)

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPSConnection(
            "localhost", self.port, timeout=TIMEOUT_S, context=self._context
        )
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, given)
        return connection.getresponse()

    def sign_in(self) -> http.client.HTTPResponse:
        form = urllib.parse.urlencode({"name": "admin", "password": PASSWORD}).encode()
        kind = "application/x-www-form-urlencoded"
        origin = f"https://localhost:{self.port}"
        # A client's own header must not be believed.
        return self.ask(
            "POST", "/login", form, Content_Type=kind, Origin=origin, X_Forwarded_For="192.0.2.1"
        )


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, dashboard: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """Run the proxy with its file, with other ports and a certificate of the test."""
    program = shutil.which(request.param)
    if program is None:
        lacking("proxies", f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for part in certificate.cert_chain_pems:
        part.write_to_path(folder / "cert.pem", append=True)
    ports = free_ports(2)
    write = nginx if request.param == "nginx" else caddy
    process = subprocess.Popen([program, *write(folder, ports, dashboard)], cwd=folder)
    running = Proxy(ports[0], authority)
    try:
        poll(lambda: process.poll() is not None or _answers(running))
        assert process.poll() is None, "it does not accept its file"
        yield running
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


def _answers(proxy: Proxy) -> bool:
    try:
        return proxy.ask("GET", "/login").status == 200
    except OSError:
        return False


def nginx(folder: Path, ports: list[int], dashboard: int) -> list[str]:
    text = (PROXIES / "nginx.conf").read_text()
    for old, new in (
        ("listen 443 ssl", f"listen 127.0.0.1:{ports[0]} ssl"),
        ("listen 80;", f"listen 127.0.0.1:{ports[1]};"),
        ("127.0.0.1:8050", f"127.0.0.1:{dashboard}"),
        (f"server_name {NAME}", "server_name localhost"),
        ("/etc/ssl/moodline.example.pem", str(folder / "cert.pem")),
        ("/etc/ssl/private/moodline.example.key", str(folder / "key.pem")),
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / "moodline.conf").write_text(text)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; include {folder}/moodline.conf; }}\n"
    )
    return ["-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, ports: list[int], dashboard: int) -> list[str]:
    text = (PROXIES / "Caddyfile").read_text()
    for old, new in (
        ("127.0.0.1:8050", f"127.0.0.1:{dashboard}"),
        (
            f"{NAME} {{",
            f"localhost:{ports[0]} {{\n\tbind 127.0.0.1\n\ttls {folder}/cert.pem {folder}/key.pem",
        ),
        ("\tservers {", f"\tadmin off\n\thttp_port {ports[1]}\n\tservers {{"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / "Caddyfile").write_text(text)
    return ["run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.mark.slow
def test_a_person_signs_in_over_https_and_gets_a_secure_cookie(proxy: Proxy) -> None:
    answer = proxy.sign_in()
    assert answer.status == 303
    assert "; secure" in (answer.getheader("set-cookie") or "").lower()


@pytest.mark.slow
def test_events_arrive_at_once(proxy: Proxy) -> None:
    cookie = (proxy.sign_in().getheader("set-cookie") or "").partition(";")[0]
    events = proxy.ask("GET", "/api/now/events", Cookie=cookie)
    assert events.status == 200
    assert events.getheader("content-type", "").startswith("text/event-stream")
    assert events.read1(64), "a buffering proxy would keep the first event back"
    events.close()


@pytest.mark.slow
def test_a_body_that_is_too_large_is_refused(proxy: Proxy) -> None:
    # nginx refuses it by its length. Caddy forwards it, and answers 502 if moodline, which refuses
    # it by its length too, closes the connection before Caddy has read that answer.
    assert proxy.ask("POST", "/login", bytes(12 * 10**6)).status in {413, 502}
