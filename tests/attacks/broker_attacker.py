"""A program that writes hostile values into the broker, but has no key to sign them."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import redis

from broker.entries.stream_entries import MESSAGE_FIELD, TAG_FIELD
from broker.reports import ServiceReport, SourceReport, WorkerReport
from broker.signing import TAG_BYTES
from tests.hostile import hostile_messages

WORKER = WorkerReport("ann", "host", 1, "cpu", "m@1", ("run",), 12.5, 3, 0.2, (1, 2))
SOURCE = SourceReport("door", "streaming", "", "2026-11-29T12:00:00+00:00", "host", "run", 5.0, 0.1)
SERVICE = ServiceReport("ingest:a", "ingest", "host", 1, "running", "", "2026-11-29T12:00:00+00:00")
SEED = 20261129


@dataclass
class Attacker:
    """Writes hostile values. runs: whose streams and requests it spoils."""

    client: "redis.Redis"
    prefix: str
    runs: list[str]
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))

    def key(self, name: str, kind: str) -> str:
        return f"{self.prefix}:{{{name}}}:{kind}"

    def value(self) -> bytes:
        """Return something that a reader might trip over."""
        kind = self.chance.randrange(6)
        if kind == 0:
            return self.chance.randbytes(self.chance.randrange(300))
        if kind == 1:
            return next(hostile_messages(self.chance.randrange(10**9), 1))
        if kind == 2:
            return (
                self.chance.randbytes(TAG_BYTES)
                + self.chance.choice((WORKER, SOURCE, SERVICE)).encode()
            )
        if kind == 3:
            return json.dumps(
                {"id": self.chance.choice(({}, [], 10**400, "\x1b[2J", None))}
            ).encode()
        if kind == 4:
            return b"[" * self.chance.randrange(20_000)
        return self.chance.choice((b"", b"NaN", b"-1", b"99999999999999999999", b"\xff" * 70_000))

    def entry_id(self) -> str:
        seq = self.chance.choice((1, 7, 315, 999_999_999, 2**53, 2**64 - 2, 2**63))
        return f"{seq}-{self.chance.choice((0, 0, 0, 1, 7, 2**64 - 1))}"

    def strike(self, writes: int) -> None:
        """Send that many hostile commands, each of a random kind, and ignore their errors."""
        self._pipeline(writes).execute(raise_on_error=False)

    def flood(self, writes: int, *, at_once: int = 2000, distinct: int = 20) -> None:
        """Send that many hostile commands as fast as possible: `distinct` batches, repeatedly."""
        connection = self.client.connection_pool.get_connection()
        batches = [
            connection.pack_commands([one[0] for one in self._pipeline(at_once).command_stack])
            for _ in range(distinct)
        ]
        for number in range(writes // at_once):
            connection.send_packed_command(batches[number % distinct])
            for _ in range(at_once):
                with suppress(redis.ResponseError):
                    connection.read_response()
        self.client.connection_pool.release(connection)

    def _pipeline(self, writes: int) -> Any:
        pipeline = self.client.pipeline(transaction=False)
        for _ in range(writes):
            self._add(pipeline, self.chance.choice(self.runs), self.value())
        return pipeline

    def _add(self, pipeline: Any, run: str, value: bytes) -> None:
        registry = self.chance.choice(("workers", "sources", "services"))
        member = self.chance.choice((value[:2000], b"ann", b"door"))
        fields = {self.chance.choice((MESSAGE_FIELD, TAG_FIELD, b"x", value[:50])): value}
        ttl = self.chance.choice((10**15, float("inf"), 4e12, -1.0))
        stream, reports = self.key(run, "frames"), self.key(registry, "reports")
        dead = f"{self.prefix}:dead"
        choices: list[Callable[[], Any]] = [
            partial(pipeline.xadd, stream, fields, id=self.entry_id()),
            partial(pipeline.xadd, stream, fields),
            partial(pipeline.xgroup_setid, stream, "moodline", "$"),
            partial(pipeline.zadd, self.key(registry, "alive"), {member: ttl}),
            partial(pipeline.hset, reports, member, value),
            partial(pipeline.set, self.key("door", "view"), value),
            partial(pipeline.set, self.key(run, "rewind"), value),
            partial(pipeline.set, self.key(run, "lease"), value),
            partial(pipeline.hset, f"{self.prefix}:runs", value[:100], b"live"),
            partial(pipeline.xadd, dead, fields, id=self.entry_id()),
            partial(pipeline.rpush, self.chance.choice((stream, reports, dead)), value),
            partial(pipeline.delete, self.chance.choice((stream, reports, dead))),
        ]
        self.chance.choice(choices)()
