"""Requests that programs may repeat: each is carried out once, and its answer kept for a day.

A program that gets no answer, as when the network fails, sends the same request with the same key
again, and gets the answer of the first.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from contracts.errors import RequestInProgressError, RequestKeyReusedError
from contracts.times import utc_now
from records.database import reading, transaction
from records.tables.api_tokens import ApiRequest

KEPT: Final = timedelta(hours=24)
_LOST_AFTER: Final = timedelta(minutes=2)
"""A request that has no answer by then was lost with its process."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a request. body: JSON."""

    status: int
    body: bytes


def request_digest(*parts: str) -> str:
    """Return the identity of a request: who asks, what for, and the key that it gave."""
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def begin_request(
    engine: Engine, digest: str, body: bytes, *, now: datetime | None = None
) -> KeptAnswer | None:
    """Return the answer to the same request before; None if it is to be carried out now.

    Raises RequestInProgressError while it is carried out, and RequestKeyReusedError if the body is
    another than before. Call `finish_request` or `drop_request` afterwards.
    """
    now = now or utc_now()
    body_hash = hashlib.sha256(body).hexdigest()
    with transaction(engine) as connection:
        connection.execute(delete(ApiRequest).where(ApiRequest.begun_at < now - KEPT))
    try:
        with transaction(engine) as connection:
            row = {"digest": digest, "body_hash": body_hash, "begun_at": now}
            connection.execute(insert(ApiRequest).values(**row))
        return None
    except IntegrityError:
        pass  # It is known.
    with reading(engine) as connection:
        known = connection.execute(
            select(ApiRequest.__table__).where(ApiRequest.digest == digest)
        ).first()
    if known is None:  # Dropped meanwhile.
        return begin_request(engine, digest, body, now=now)
    if known.body_hash != body_hash:
        raise RequestKeyReusedError(
            "the idempotency key belongs to another request",
            hint="Use a new key for each request, such as a random UUID",
        )
    if known.status is not None:
        return KeptAnswer(known.status, known.answer)
    if now - known.begun_at > _LOST_AFTER and _take_over(engine, digest, known.begun_at, now):
        return None
    raise RequestInProgressError(
        "the same request is being carried out", hint="Ask again in a few seconds"
    )


def finish_request(engine: Engine, digest: str, answer: KeptAnswer) -> None:
    """Keep the answer to a request."""
    with transaction(engine) as connection:
        connection.execute(
            update(ApiRequest)
            .where(ApiRequest.digest == digest)
            .values(status=answer.status, answer=answer.body)
        )


def drop_request(engine: Engine, digest: str) -> None:
    """Forget a request that failed: the next one with its key is carried out."""
    with transaction(engine) as connection:
        connection.execute(delete(ApiRequest).where(ApiRequest.digest == digest))


def _take_over(engine: Engine, digest: str, begun_at: datetime, now: datetime) -> bool:
    """Return whether this process, and no other, now carries out a request that was lost."""
    with transaction(engine) as connection:
        return bool(
            connection.execute(
                update(ApiRequest)
                .where(ApiRequest.digest == digest, ApiRequest.begun_at == begun_at)
                .values(begun_at=now)
            ).rowcount
        )
