"""Validators: rollups are answered with an ETag, and not again while it is the same.

An answer is kept for a second, so that many clients that ask the same cost one question.
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

    An erasure makes all of them invalid. clock: in seconds.
    """

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _kept: OrderedDict[Key, _Kept] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def answer(self, request: Request, compute: Callable[[], BaseModel]) -> Response:
        """Return the answer; 304 without a body if the client has it already."""
        key = (current_account().sources, request.url.path, request.url.query)
        kept = self._fresh(key) or self._ask(key, compute)
        headers = {**_CACHE, "ETag": kept.etag}
        if _has(request.headers.get("if-none-match", ""), kept.etag):
            return Response(status_code=int(HTTPStatus.NOT_MODIFIED), headers=headers)
        return Response(kept.body, headers=headers, media_type="application/json")

    def _fresh(self, key: Key) -> _Kept | None:
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or self.clock() - kept.asked_at_s >= _KEPT_S:
            return None
        return kept if in_snapshot(self.engine, last_erasure) == kept.erasure else None

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


def _has(if_none_match: str, etag: str) -> bool:
    """Return whether the header names this ETag. A proxy that compresses makes it a weak one."""
    named = (one.strip().removeprefix("W/") for one in if_none_match.split(","))
    return any(one in {etag, "*"} for one in named)
