"""No secret of a broker, database or camera appears in output, logs, pages, files or arguments."""

import itertools
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis
import trustme
from sqlalchemy import text

from broker.embedded import EmbeddedBroker
from records.database import open_engine
from tests.cameras import http_server, jpeg, refusing_rtsp_camera, send_mjpeg
from tests.e2e.commands import TIMEOUT_S, Installation, assert_plain_failure, poll
from tests.e2e.live_stack import LiveStack
from tests.e2e.test_services import service
from tests.http_client import ask
from tests.postgresql import private_postgresql
from tests.rtsp import free_ports

BROKER_SECRET, DATABASE_SECRET = "br0ker-s3cret", "datab4se-s3cret"


SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
"""The request of a PostgreSQL client for TLS. The answer "S" means yes."""


@dataclass
class TlsFront:
    """A TLS proxy before a server on a Unix socket: the servers in the wheels have no TLS."""

    port: int
    connections: int = 0


@contextmanager
def tls_front(
    unix_socket: str, certificate: trustme.LeafCert, *, postgresql: bool = False
) -> Iterator[TlsFront]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))
    front = TlsFront(listener.getsockname()[1])

    def pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if postgresql:
                assert client.recv(8, socket.MSG_WAITALL) == SSL_REQUEST
                client.sendall(b"S")
            try:
                secure = context.wrap_socket(client, server_side=True)
            except (ssl.SSLError, OSError):
                client.close()
                continue
            front.connections += 1
            server = socket.socket(socket.AF_UNIX)
            server.connect(unix_socket)
            for ends in ((secure, server), (server, secure)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with closing(listener):
        yield front


@dataclass(frozen=True)
class Secured:
    """An installation on servers with password and TLS, with the parts of its URLs."""

    installation: Installation
    fronts: tuple[TlsFront, TlsFront]
    authority: Path
    database_url: str
    redis_url: str


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Secured]:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    hba = tmp_path / "hba.conf"
    hba.write_text("local all moodline scram-sha-256\nlocal all all trust\n")
    with (
        EmbeddedBroker() as broker,
        private_postgresql([hba]) as server,
        tls_front(broker.url.removeprefix("unix://"), certificate) as front,
        tls_front(f"{server.data}/.s.PGSQL.5432", certificate, postgresql=True) as database_front,
    ):
        with closing(redis.Redis.from_url(broker.url)) as admin:
            admin.config_set("requirepass", BROKER_SECRET)
        engine = open_engine(server.url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE ROLE moodline LOGIN PASSWORD '{DATABASE_SECRET}'"))
            connection.execute(text("GRANT ALL ON SCHEMA public TO moodline"))
        engine.dispose()
        server.crash()
        server.start(f"-c hba_file={server.data}/hba.conf")
        database_url = (
            f"postgresql://moodline:{DATABASE_SECRET}@127.0.0.1:{database_front.port}/postgres"
            f"?sslmode=verify-full&sslrootcert={ca}"
        )
        redis_url = f"rediss://:{BROKER_SECRET}@127.0.0.1:{front.port}/0?ssl_ca_certs={ca}"
        servers = {"MOODLINE_DATABASE_URL": database_url, "MOODLINE_REDIS_URL": redis_url}
        yield Secured(
            Installation(tmp_path / "home", {**servers, "MOODLINE_LOG_LEVEL": "DEBUG"}),
            (front, database_front),
            ca,
            database_url,
            redis_url,
        )


def test_services_work_over_tls_and_reveal_no_secret(
    secured: Secured, one_face: Path, tmp_path: Path
) -> None:
    host = secured.installation
    finished = [host.run("analyze", one_face, "--detach")]
    arguments: list[str] = []
    with service(host, "ingest") as ingest, service(host, "worker") as worker:
        finished.append(host.run("jobs", "watch"))
        for root in (ingest, worker):
            process = psutil.Process(root.pid)
            for one in (process, *process.children(recursive=True)):
                arguments += one.cmdline()
        judged = [host.run(*words) for words in (("status", "--json"), ("status",), ("doctor",))]
        status = json.loads(judged[0].stdout)
        ingest.terminate()
        worker.terminate()
        logs = [one.communicate(timeout=TIMEOUT_S)[1] for one in (ingest, worker)]
    exported = tmp_path / "rows.csv"
    finished.append(host.run("export", "--out", exported))

    assert not any(one.returncode for one in finished), [one.stderr for one in finished]
    assert [one.returncode for one in judged] == [1, 1, 1], "no scheduler runs"
    finished += judged
    assert status["broker"]["ok"] and status["database"]["ok"]
    assert exported.read_text().count("\n") > 50
    assert min(front.connections for front in secured.fronts) >= 4
    everything = "\n".join(
        [*logs, *arguments, exported.read_text(), *(one.stdout + one.stderr for one in finished)]
    )
    assert "run ended" in everything and "rediss://***@127.0.0.1" in everything
    assert BROKER_SECRET not in everything
    assert DATABASE_SECRET not in everything


def test_wrong_passwords_and_unknown_authorities_are_one_line_each(
    secured: Secured, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(stranger)
    wrong = {
        "password of the broker": (
            "MOODLINE_REDIS_URL",
            secured.redis_url.replace(BROKER_SECRET, "wr0ng-s3cret"),
        ),
        "authority of the broker": (
            "MOODLINE_REDIS_URL",
            secured.redis_url.replace(str(secured.authority), str(stranger)),
        ),
        "password of the database": (
            "MOODLINE_DATABASE_URL",
            secured.database_url.replace(DATABASE_SECRET, "wr0ng-s3cret"),
        ),
        "authority of the database": (
            "MOODLINE_DATABASE_URL",
            secured.database_url.replace(str(secured.authority), str(stranger)),
        ),
    }
    for what, (name, url) in wrong.items():
        host = Installation(tmp_path / "home", {**secured.installation.env, name: url})
        done = host.run("worker")
        assert_plain_failure(done)
        assert name in done.stderr, what
        assert "s3cret" not in done.stderr + done.stdout, what


USER, PASSWORD = "user-s3cret", "p4ss-s3cret"
PARTS = ("path-s3cret", "code-s3cret", "sid-s3cret", "jwt-s3cret", "fragment-s3cret")
PAGES = (
    *("", "now", "trends", "recordings", "sources", "system", "try", "report"),
    *("api/sources/list", "api/recordings/list", "api/system/status", "api/system/audit"),
)


def planted(scheme: str, port: int) -> str:
    """Return an address with a secret in each of its parts."""
    path, code, sid, jwt, fragment = PARTS
    rest = f"{path}/live?code={code}&sid={sid}&x=jwt={jwt}#{fragment}"
    return f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{port}/{rest}"


def outputs_of(host: Installation, exported: Path) -> Iterator[str]:
    """The output of the commands about the sources."""
    for words in (
        *(("source", "list"), ("source", "list", "--json"), ("status",), ("status", "--json")),
        *(("source", "show", "door", "--json"), ("source", "show", "yard"), ("audit", "--json")),
        *(("source", "test", "hall"), ("source", "test", "yard"), ("runs", "list", "--json")),
        *(("trends",), ("doctor",), ("export", "--out", str(exported))),
        *(("source", "edit", "hall", "--fps", "2"), ("watch", "door", "--seconds", "1")),
    ):
        done = host.run(*words)
        yield done.stdout + done.stderr
    address = planted("http", free_ports(1)[0])
    for words in (("source", "test", address), ("source", "add", "a/b", address)):
        done = host.run(*words)
        assert_plain_failure(done)
        yield done.stdout + done.stderr


def test_no_part_of_a_camera_address_appears_anywhere(tmp_path: Path) -> None:
    pictures = itertools.cycle([jpeg((64, 48), 60), jpeg((64, 48), 61)])
    health, port = free_ports(2)
    settings = {"MOODLINE_LOG_LEVEL": "DEBUG", "MOODLINE_HEALTH": f"127.0.0.1:{health}"}
    host = Installation(tmp_path / "home", settings)
    stack = LiveStack(host, tmp_path / "up.log", port=port)
    with (
        http_server(lambda handler: send_mjpeg(handler, pictures, 0.05)) as camera,
        refusing_rtsp_camera() as refusing,
    ):
        closed = free_ports(1)[0]
        told = []
        for name, scheme, at in (
            *(("door", "http", camera), ("hall", "rtsp", refusing), ("yard", "http", closed)),
        ):
            added = host.run("source", "add", name, "-", typed=planted(scheme, at) + "\n")
            assert added.returncode == 0, added.stderr
            told.append(added.stdout + added.stderr)
        with stack:
            stack.wait_for_dashboard()
            poll(lambda: stack.makes_progress("door"))
            poll(lambda: stack.state("hall") == "failed" and stack.state("yard") == "backing_off")
            told += [json.dumps(stack.statuses(), default=str)]
            told += [" ".join(one.cmdline()) for one in stack.processes()]
            for path in PAGES:
                told.append(ask(stack.address, f"/{path}").read().decode())
            told.append(ask(f"http://127.0.0.1:{health}", "/metrics").read().decode())
            told += outputs_of(host, tmp_path / "rows.csv")
    told += [stack.log.read_text(), (tmp_path / "rows.csv").read_text()]
    files = [path for path in host.home.rglob("*") if path.is_file()]
    assert any(path.name == "moodline.db" for path in files)
    everything = "\n".join(told) + "".join(path.read_bytes().decode("latin-1") for path in files)
    assert f"http://127.0.0.1:{camera}" in everything, "the host is shown"
    for secret in (USER, PASSWORD, *PARTS):
        assert secret not in everything, everything[max(everything.find(secret) - 300, 0) :][:400]
