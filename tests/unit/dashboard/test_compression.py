"""Static files are compressed once and sent complete."""

import asyncio
import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import plotly  # type: ignore[import-untyped]
import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles

from dashboard.web.bundle import PLOTLY_FILE
from dashboard.web.compression import CachedCompression

TEXT = b"the same line again and again\n" * 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "large.js").write_bytes(TEXT)
    (tmp_path / "small.js").write_bytes(b"1;\n")
    return tmp_path


@dataclass
class Answer:
    status: int
    headers: Headers
    body: bytes

    @property
    def content(self) -> bytes:
        packed = self.headers.get("content-encoding") == "gzip"
        return gzip.decompress(self.body) if packed else self.body


class Client:
    """Requests files from an application, without a network."""

    def __init__(self, folder: Path, cache_bytes: int = 1_000_000) -> None:
        self._app = Starlette()
        for place in ("/assets", "/other"):
            self._app.mount(place, StaticFiles(directory=folder))
        self._app.add_middleware(CachedCompression, paths=("/assets/",), cache_bytes=cache_bytes)

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        given = {"accept-encoding": "gzip"} | (headers or {})
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"spec_version": "2.4"},
            "method": "GET",
            "path": path,
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        sent = list[Any]()

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("the request has no body")

        asyncio.run(self._app(scope, receive, send))
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], Headers(raw=sent[0]["headers"]), body)


@contextmanager
def compressions() -> Iterator[list[int]]:
    sizes, compress = list[int](), gzip.compress

    def count(body: bytes, level: int, *, mtime: float) -> bytes:
        sizes.append(len(body))
        return compress(body, level, mtime=mtime)

    with patch("dashboard.web.compression.gzip.compress", count):
        yield sizes


def test_a_file_is_compressed_once_for_all_its_addresses(folder: Path) -> None:
    asks = Client(folder)
    with compressions() as sizes:
        answers = [asks.get(f"/assets/large.js?m={turn}") for turn in range(3)]

    assert [answer.content for answer in answers] == [TEXT] * 3
    assert {answer.headers["content-encoding"] for answer in answers} == {"gzip"}
    assert {answer.headers["vary"] for answer in answers} == {"Accept-Encoding"}
    assert int(answers[0].headers["content-length"]) < len(TEXT) / 10
    assert sizes == [len(TEXT)]


def test_a_changed_file_is_sent_in_its_new_version(folder: Path) -> None:
    asks = Client(folder)
    asks.get("/assets/large.js")
    (folder / "large.js").write_bytes(TEXT.upper())

    assert asks.get("/assets/large.js").content == TEXT.upper()


def test_the_cache_keeps_no_more_than_its_limit(folder: Path) -> None:
    asks = Client(folder, cache_bytes=10)
    with compressions() as sizes:
        assert [asks.get("/assets/large.js").content for _ in range(2)] == [TEXT] * 2
    assert len(sizes) == 2


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/assets/small.js", {}),
        ("/other/large.js", {}),
        ("/assets/large.js", {"accept-encoding": "identity"}),
        ("/assets/large.js", {"range": "bytes=0-9"}),
    ],
)
def test_small_other_and_partial_responses_are_not_compressed(
    folder: Path, path: str, headers: dict[str, str]
) -> None:
    answer = Client(folder).get(path, headers=headers)

    assert "content-encoding" not in answer.headers
    assert answer.content == (folder / path.rpartition("/")[2]).read_bytes()[: len(answer.content)]
    assert len(answer.body) == int(answer.headers["content-length"])


def test_an_unchanged_file_is_not_sent_again(folder: Path) -> None:
    asks = Client(folder)
    tag = asks.get("/assets/large.js").headers["etag"]

    again = asks.get("/assets/large.js", headers={"if-none-match": tag})

    assert (again.status, again.content) == (304, b"")


def test_an_incomplete_response_is_neither_sent_nor_cached() -> None:
    async def cut(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": TEXT, "more_body": True})

    sent = list[Any]()

    async def send(message: Any) -> None:
        sent.append(message)

    middleware = CachedCompression(cut, paths=("/assets/",))
    accepts = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": "/assets/large.js", "headers": accepts}
    asyncio.run(middleware(scope, send, send))
    assert not sent and not middleware._cache


def test_a_missing_file_is_a_404(folder: Path) -> None:
    assert Client(folder).get("/assets/none.js").status == 404


def test_the_bundled_plotly_has_the_release_of_the_python_package() -> None:
    whole = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

    def release(script: Path) -> str:
        found = re.search(
            r"plotly\.js (?:\(basic - minified\) )?(v[\d.]+)", script.read_text()[:200]
        )
        assert found
        return found[1]

    assert release(PLOTLY_FILE) == release(whole)
    assert PLOTLY_FILE.stat().st_size < whole.stat().st_size / 3
