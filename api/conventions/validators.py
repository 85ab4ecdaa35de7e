"""Validators: rollups are answered with an ETag, and not again while it is the same.

An answer is kept for a second, so that many clients that ask the same cost one question; those that
have it already cost hardly anything.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import Final

from fastapi import Request, Response
from pydantic import BaseModel
from sqlalchemy import Engine

from analytics.audit import last_erasure
from analytics.snapshots import in_snapshot
from serving.access import current_account

_KEPT_S: Final = 1.0
_MAX_BYTES: Final = 32 * 2**20
_CACHE: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer. erasure: the number of the latest erasure before it."""

    asked_at_s: float
    erasure: int | None
    body: bytes
    etag: str


@dataclass(slots=True)
class RollupAnswers:
    """The latest answers, by what was asked and which sources the asker sees. Threads may share it.

    An erasure makes all of them invalid. clock: in seconds. What several ask for at the same time
    is computed once.
    """

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Key, _Kept] = field(default_factory=OrderedDict)
    _asking: dict[Key, Lock] = field(default_factory=dict)
    _bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def answer(self, request: Request, compute: Callable[[], BaseModel]) -> Response:
        """Return the answer; 304 without a body if the client has it already. Blocks."""
        key = _key(request)
        kept = self._valid(key) or self._ask_once(key, compute)
        if _has(request, kept.etag):
            return _unmodified(kept.etag)
        return Response(kept.body, headers=_headers(kept.etag), media_type="application/json")

    def unmodified(self, request: Request) -> Response | None:
        """Return 304 if the client has an answer that is still kept. Does not block.

        It says nothing of the records, so it does not ask what was erased in the last second.
        """
        if "if-none-match" not in request.headers:
            return None
        kept = self._fresh(_key(request))
        return _unmodified(kept.etag) if kept is not None and _has(request, kept.etag) else None

    def _fresh(self, key: Key) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(key)
        return None if kept is None or self.clock() - kept.asked_at_s >= _KEPT_S else kept

    def _valid(self, key: Key) -> _Kept | None:
        kept = self._fresh(key)
        if kept is None or in_snapshot(self.engine, last_erasure) != kept.erasure:
            return None
        return kept

    def _ask_once(self, key: Key, compute: Callable[[], BaseModel]) -> _Kept:
        """Compute an answer, or wait for another thread that does."""
        with self._lock:
            asking = self._asking.setdefault(key, Lock())
        try:
            with asking:
                return self._valid(key) or self._ask(key, compute)
        finally:
            with self._lock:
                self._asking.pop(key, None)

    def _ask(self, key: Key, compute: Callable[[], BaseModel]) -> _Kept:
        asked_at_s, erasure = self.clock(), in_snapshot(self.engine, last_erasure)
        body = compute().model_dump_json(by_alias=True).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        kept = _Kept(asked_at_s, erasure, body, etag)
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes += len(body) - (len(before.body) if before else 0)
            self._kept[key] = kept
            while self._bytes > _MAX_BYTES and len(self._kept) > 1:
                self._bytes -= len(self._kept.popitem(last=False)[1].body)
        return kept


def _key(request: Request) -> Key:
    return current_account().sources, request.url.path, request.url.query


def _headers(etag: str) -> dict[str, str]:
    return {**_CACHE, "ETag": etag}


def _unmodified(etag: str) -> Response:
    return Response(status_code=int(HTTPStatus.NOT_MODIFIED), headers=_headers(etag))


def _has(request: Request, etag: str) -> bool:
    """Return whether the client has this ETag. A proxy that compresses makes it a weak one."""
    known = request.headers.get("if-none-match", "").split(",")
    named = (one.strip().removeprefix("W/") for one in known)
    return any(one in {etag, "*"} for one in named)
