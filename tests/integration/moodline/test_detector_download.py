"""`moodline detector add`: the file is there whole, private and checked, or not at all."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from contracts.errors import ModelError
from moodline.analysis.detector_download import download

CONTENT = bytes(range(256)) * 200
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LARGEST = 2**20


class _Zoo(BaseHTTPRequestHandler):
    """Answers with the file, a longer one, half of it, or 404, by the path."""

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        body = {"/file": CONTENT, "/large": bytes(LARGEST + 1), "/other": CONTENT[:-1]}.get(
            self.path, CONTENT[: len(CONTENT) // 2]
        )
        self.send_response(200)
        length = len(CONTENT) if self.path == "/half" else len(body)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def zoo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Zoo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_file_is_private_whole_and_reported_while_it_comes(zoo: str, tmp_path: Path) -> None:
    path, steps = tmp_path / "detectors" / "yunet.onnx", list[tuple[int, int | None]]()
    download(
        f"{zoo}/file",
        path,
        SHA256,
        largest_bytes=LARGEST,
        on_progress=lambda done, total: steps.append((done, total)),
    )
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert steps[0] == (0, len(CONTENT)) and steps[-1] == (len(CONTENT), len(CONTENT))
    assert len(steps) > 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("other", "not the expected file"),
        ("half", "ended after 25,600 of 51,200 bytes"),
        ("large", "larger than 1 MiB"),
        ("missing", "cannot download"),
    ],
)
def test_a_bad_answer_leaves_the_file_that_is_there(
    zoo: str, tmp_path: Path, name: str, reason: str
) -> None:
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"before")
    with pytest.raises(ModelError, match=reason):
        download(f"{zoo}/{name}", path, SHA256, largest_bytes=LARGEST)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_only_http_is_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    with pytest.raises(ModelError, match="not an http or https URL"):
        download((tmp_path / "file").as_uri(), tmp_path / "x", SHA256, largest_bytes=LARGEST)
