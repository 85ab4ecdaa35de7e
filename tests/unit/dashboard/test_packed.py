"""Files that everybody loads are compressed once, and come whole."""

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

from dashboard.web.bundle import PLOTLY
from dashboard.web.compression import Packed

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
    """Asks an application of files, without a network."""

    def __init__(self, folder: Path, most_kept: int = 1_000_000) -> None:
        self._app = Starlette()
        for place in ("/assets", "/other"):
            self._app.mount(place, StaticFiles(directory=folder))
        self._app.add_middleware(Packed, places=("/assets/",), most_kept=most_kept)

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
            raise AssertionError("there is no body to ask for")

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


def test_a_file_is_compressed_once_whatever_it_is_called_by(folder: Path) -> None:
    asks = Client(folder)
    with compressions() as sizes:
        answers = [asks.get(f"/assets/large.js?m={turn}") for turn in range(3)]

    assert [answer.content for answer in answers] == [TEXT] * 3
    assert {answer.headers["content-encoding"] for answer in answers} == {"gzip"}
    assert {answer.headers["vary"] for answer in answers} == {"Accept-Encoding"}
    assert int(answers[0].headers["content-length"]) < len(TEXT) / 10
    assert sizes == [len(TEXT)]


def test_a_file_that_changed_is_sent_as_it_is_now(folder: Path) -> None:
    asks = Client(folder)
    asks.get("/assets/large.js")
    (folder / "large.js").write_bytes(TEXT.upper())

    assert asks.get("/assets/large.js").content == TEXT.upper()


def test_no_more_is_kept_than_there_is_room_for(folder: Path) -> None:
    asks = Client(folder, most_kept=10)
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
def test_what_is_better_sent_as_it_is_stays_so(
    folder: Path, path: str, headers: dict[str, str]
) -> None:
    answer = Client(folder).get(path, headers=headers)

    assert "content-encoding" not in answer.headers
    assert answer.content == (folder / path.rpartition("/")[2]).read_bytes()[: len(answer.content)]
    assert len(answer.body) == int(answer.headers["content-length"])


def test_what_the_browser_has_already_is_not_sent_again(folder: Path) -> None:
    asks = Client(folder)
    tag = asks.get("/assets/large.js").headers["etag"]

    again = asks.get("/assets/large.js", headers={"if-none-match": tag})

    assert (again.status, again.content) == (304, b"")


def test_what_was_cut_off_is_neither_sent_nor_kept() -> None:
    async def cut(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": TEXT, "more_body": True})

    sent = list[Any]()

    async def send(message: Any) -> None:
        sent.append(message)

    packed = Packed(cut, places=("/assets/",))
    accepts = [(b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": "GET", "path": "/assets/large.js", "headers": accepts}
    asyncio.run(packed(scope, send, send))
    assert not sent and not packed._kept


def test_a_file_that_is_not_there_is_said_so(folder: Path) -> None:
    assert Client(folder).get("/assets/none.js").status == 404


def test_plotly_is_of_the_release_that_figures_are_made_for() -> None:
    whole = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"

    def release(script: Path) -> str:
        found = re.search(
            r"plotly\.js (?:\(basic - minified\) )?(v[\d.]+)", script.read_text()[:200]
        )
        assert found
        return found[1]

    assert release(PLOTLY) == release(whole)
    assert PLOTLY.stat().st_size < whole.stat().st_size / 3
