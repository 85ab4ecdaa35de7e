"""A seeded HTTP fuzzer: requests to all routes that no browser would send, and their answers."""

import json
import random
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_from_bytes

_TIMEOUT_S = 60
_ENDS_SESSION = ("/logout", "/sessions/end")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW")
_WORDS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**40, 0.5, -0.0, 1e308),
    *("", "\0", "a\0b", "é" * 40, "1", "x" * 5000, "\ud800", "\u202e", "🙂"),
    *("../../etc/passwd", "/proc/1/root", "/proc/self/mem", "/dev/zero", "/", ".", "~root", "*"),
    *("'; DROP TABLE runs; --", "{{7*7}}", "%s%n", "<script>alert(1)</script>"),
    *("now-1h", "2026-11-20T08:00Z", "0001-01-01T00:00", "9999-12-31T23:59:59Z", "nan", "inf"),
    *("Europe/Berlin", "../UTC", "rtsp://x", "http://[", "file:///etc/passwd"),
    *("\r\nSet-Cookie: a=b", "now", "share", "1e999", "-"),
    *([], {}, [[[]]], {"": 2**64}, {"a": None}, ["x"] * 300, {"id": {"id": {}}}),
)
_BYTES = (b"\xff\xfe", b"%00", b"%2e%2e%2f", b"%c0%af", b"%", b"%zz", b"\x80", b"%ed%a0%80", b"//")
_FIELDS = (
    *("name", "password", "next", "uri", "fps", "tags", "path", "size", "mark", "offset", "run"),
    *("source", "since", "until", "dry_run", "place", "contact", "purpose", "zone", "from", "to"),
    *("sources", "mode", "only", "zoom", "kind", "role", "code", "token", "user", "session"),
    *("output", "outputs", "inputs", "state", "changedPropIds", "id", "property", "value"),
)
_TYPES = (
    *("application/json", "application/json; charset=utf-16", "text/plain", "multipart/form-data"),
    *("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "\xff"),
)
_HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Accept", ("text/html", "*/*", "application/json", "text/html;q=x,,", "\xff")),
    ("Accept-Encoding", ("gzip", "br", "identity;q=0", "gzip;q=2")),
    ("Range", ("bytes=0-", "bytes=9-1", "bytes=-1", "bytes=0-0,1-1,2-2", "bytes=" + "9" * 40, "x")),
    ("If-Range", ("x", '"x"')),
    ("If-None-Match", ("*", '"x"', "x" * 300)),
    ("If-Modified-Since", ("x", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 30)),
    ("Origin", ("null", "http://localhost", "http://[", "http://[::1", "x", "\xff")),
    ("Sec-Fetch-Site", ("same-origin", "cross-site", "none", "x")),
    ("X-Forwarded-For", ("192.0.2.7", "x", "::1, [", "1" * 500, ", ,", "\xff")),
    ("X-Forwarded-Proto", ("https", "http", "wss", "x")),
    ("Authorization", ("Basic \xff", "Bearer x", "Basic eDp5")),
    ("Cookie", ("moodline_session=x", "moodline_session=\xff", "a=b; " * 300, "=;=;", '"\\')),
    ("Upgrade", ("websocket", "h2c")),
    ("Connection", ("upgrade", "close", "keep-alive, upgrade")),
    ("Expect", ("100-continue", "x")),
    ("Content-Length", ("-1", "x", "0x10", "1e3", "+1")),
    ("Transfer-Encoding", ("gzip, chunked", "x")),
)


@dataclass(slots=True)
class Fuzzer:
    """Requests of one seed. routes: (method, path with parameters in braces)."""

    seed: int
    routes: Sequence[tuple[str, str]]
    callbacks: Sequence[tuple[str, Sequence[Any], Sequence[Any]]] = ()
    host: str = "localhost"
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def requests(self, count: int, cookie: str) -> Iterator[bytes]:
        """Yield requests. Most have the cookie, except for those that would end its session."""
        for _ in range(count):
            yield self._request(cookie if self.chance.random() < 0.9 else "")

    def _request(self, cookie: str) -> bytes:
        method, path = self.chance.choice(self.routes)
        if path.endswith(_ENDS_SESSION):
            cookie = ""
        if self.chance.random() < 0.1:
            method = self.chance.choice(_METHODS)
        target = re.sub(r"\{[^}]*\}", lambda _: self._segment(), path).encode("latin-1")
        if self.chance.random() < 0.1:
            target = self._damaged(target)
        if self.chance.random() < 0.6:
            target += b"?" + self._query()
        headers = [("Host", self.host)] if self.chance.random() < 0.98 else []
        if cookie:
            headers.append(("Cookie", cookie))
        body = b""
        if method in {"POST", "PUT", "PATCH", "DELETE"} or self.chance.random() < 0.05:
            body, kind = self._body(path)
            headers += [("Content-Type", kind), ("Content-Length", str(len(body)))]
        for name, values in self.chance.sample(_HEADERS, self.chance.choice((0, 0, 1, 1, 2, 4))):
            headers.append((name, self.chance.choice(values)))
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")
        return method.encode() + b" " + target + b" HTTP/1.1\r\n" + lines + b"\r\n" + body

    def _segment(self) -> str:
        word = self.chance.choice(_WORDS)
        return quote(str(word)[:300].encode("utf-8", "surrogatepass"), safe="")

    def _damaged(self, target: bytes) -> bytes:
        at = self.chance.randrange(1, len(target) + 1)
        piece = self.chance.choice((*_BYTES, b"a" * 300, b"/" * 40, b"a/" * 600))
        return target[:at] + piece + target[at:]

    def _query(self) -> bytes:
        parts = []
        for _ in range(self.chance.randint(1, 5)):
            word = str(self.chance.choice(_WORDS))[:400].encode("utf-8", "surrogatepass")
            name = self.chance.choice(_FIELDS).encode()
            parts.append(name + b"=" + quote_from_bytes(word).encode())
        if self.chance.random() < 0.2:
            parts.append(self.chance.choice(_BYTES))
        return b"&".join(parts)

    def _body(self, path: str) -> tuple[bytes, str]:
        kind = "application/json" if self.chance.random() < 0.8 else self.chance.choice(_TYPES)
        way = self.chance.random()
        if path.endswith("_dash-update-component") and way < 0.8 and self.callbacks:
            return _json(self._callback()), "application/json"
        if way < 0.6:
            names = self.chance.sample(_FIELDS, self.chance.randint(0, 8))
            return _json({name: self._value() for name in names}), kind
        if way < 0.7:
            return _json(self._value()), kind
        if way < 0.85:
            names = self.chance.choices(_FIELDS, k=self.chance.randint(0, 14))
            text = "&".join(f"{one}={quote(str(self._value()), errors='replace')}" for one in names)
            return text.encode()[:8000], "application/x-www-form-urlencoded"
        noise = (b"[" * 50_000, b'{"a":' * 3000, b"\xff\xfe{", b"NaN", b"", b'{"name":', b"1e999")
        return self.chance.choice((*noise, self.chance.randbytes(200))), kind

    def _value(self) -> Any:
        return self.chance.choice(_WORDS)

    def _callback(self) -> dict[str, Any]:
        """Return the body of a callback, with values that no page has."""
        output, inputs, state = self.chance.choice(self.callbacks)
        body: dict[str, Any] = {
            "output": output,
            "outputs": [_property(one, None) for one in _outputs(output)],
            "inputs": [self._filled(one) for one in inputs],
            "state": [self._filled(one) for one in state],
            "changedPropIds": [self._changed(inputs)],
        }
        if not output.startswith(".."):
            body["outputs"] = body["outputs"][0]
        if self.chance.random() < 0.3:
            body[self.chance.choice(list(body))] = self._value()
        return body

    def _filled(self, declared: dict[str, str]) -> Any:
        value = self._value()
        if declared["id"].startswith("{") and '"ALL"' in declared["id"]:
            count = self.chance.randrange(4)
            return [_property(declared, self._value()) for _ in range(count)]
        return _property(declared, value)

    def _changed(self, inputs: Sequence[dict[str, str]]) -> str:
        one = self.chance.choice(inputs)
        own = _id(one["id"])
        text = own if isinstance(own, str) else json.dumps(own, separators=(",", ":"))
        return f"{text}.{one['property']}"


def _outputs(output: str) -> list[dict[str, str]]:
    parts = output[2:-2].split("...") if output.startswith("..") else [output]
    return [dict(zip(("id", "property"), one.rsplit(".", 1), strict=True)) for one in parts]


def _property(declared: dict[str, str], value: Any) -> dict[str, Any]:
    return {"id": _id(declared["id"]), "property": declared["property"], "value": value}


def _id(declared: str) -> Any:
    if not declared.startswith("{"):
        return declared
    parts = json.loads(declared).items()
    return {name: 0 if isinstance(value, list) else value for name, value in parts}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def send(port: int, request: bytes) -> tuple[int, bytes]:
    """Send a request on a connection of its own; return the status, 0 without, and the head."""
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as client:
        answer = b""
        try:
            client.sendall(request)
            while b"\r\n\r\n" not in answer and (piece := client.recv(65_536)):
                answer = (answer + piece).removeprefix(_CONTINUE)
        except ConnectionError:
            pass
    head = answer.partition(b"\r\n\r\n")[0]
    status = re.match(rb"HTTP/1\.1 (\d{3})", head)
    return int(status[1]) if status else 0, head
