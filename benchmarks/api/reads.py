"""The times of every route that reads, each with other arguments, so that no answer is kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psutil

from benchmarks.api.clients import Client, Times, cpu_time
from benchmarks.history_load import LONG_RUN, UNTIL

REPEATS: Final = 25
OLD_RUN: Final = "bench-1"
"""A run that had no summary steps, as those before schema 0007; upkeep has added them."""
RUN: Final = "bench-2"
_WARM_UP: Final = 3
"""Requests before those that are measured."""


@dataclass(frozen=True, slots=True)
class Read:
    """One kind of request. days: the length of its range, which ends at another time each time."""

    name: str
    path: str
    days: float = 0.0
    more: Mapping[str, object] | None = None

    def arguments(self, number: int) -> dict[str, object]:
        """Return the arguments of the request of that number."""
        found: dict[str, object] = dict(self.more or {})
        return found | (span(self.days, number) if self.days else {})


def span(days: float, number: int) -> dict[str, object]:
    """Return the arguments of a range of so many days; each number's has another end."""
    until = UNTIL - timedelta(minutes=number * 7)
    ends = {"from": until - timedelta(days=days), "to": until}
    return {name: f"{one:%Y-%m-%dT%H:%MZ}" for name, one in ends.items()}


def reads() -> tuple[Read, ...]:
    """Return all of them."""
    one, kathmandu = {"sources": "camera3"}, {"zone": "Asia/Kathmandu"}
    far = {"media_time_from": 30_000}
    return (
        Read("status", "/status"),
        Read("sources", "/sources"),
        Read("source", "/sources/camera3"),
        Read("runs", "/runs"),
        Read("runs of a source", "/runs", more={"source": "camera3", "state": "done"}),
        Read("run", f"/runs/{RUN}"),
        Read("summary", f"/runs/{RUN}/summary"),
        Read("summary of a long run", f"/runs/{LONG_RUN}/summary"),
        Read("summary of an old run", f"/runs/{OLD_RUN}/summary"),
        Read("faces", f"/runs/{RUN}/faces", more={"limit": 1000}),
        Read("faces, far in", f"/runs/{RUN}/faces", more={"limit": 1000} | far),
        Read("frames", f"/runs/{RUN}/frames", more={"limit": 1000}),
        Read("frames, far in", f"/runs/{RUN}/frames", more={"limit": 1000} | far),
        Read("tracks", f"/runs/{RUN}/tracks", more={"limit": 1000}),
        Read("timeline 1 h", "/timeline", 1 / 24),
        Read("timeline 24 h", "/timeline", 1),
        Read("timeline 7 d", "/timeline", 7),
        Read("timeline 30 d, one source", "/timeline", 30, one),
        Read("timeline 365 d", "/timeline", 365),
        Read("timeline 365 d in Kathmandu", "/timeline", 365, kathmandu),
        Read("totals 24 h", "/totals", 1),
        Read("totals 7 d", "/totals", 7),
        Read("totals 30 d", "/totals", 30),
        Read("totals 180 d", "/totals", 180),
        Read("coverage 30 d", "/coverage", 30),
        Read("heatmap 30 d", "/heatmap", 30),
        Read("heatmap 365 d", "/heatmap", 365),
        Read("heatmap 365 d in Kathmandu", "/heatmap", 365, kathmandu),
        Read("moments 7 d", "/moments", 7),
        Read("moments 365 d", "/moments", 365),
        Read("markers", "/markers"),
        Read("alerts", "/alerts"),
        Read("alert rules", "/alerts/rules"),
        Read("alert targets", "/alerts/targets"),
        Read("alert deliveries", "/alerts/deliveries"),
        Read("exports", "/exports"),
        Read("openapi.json", "/openapi.json"),
        Read("reference", "/reference"),
    )


def measure_reads(client: Client, server: psutil.Process) -> Iterator[tuple[str, Times]]:
    """Yield the name and the times of each kind of request."""
    for read in reads():
        for number in range(_WARM_UP):
            answer = client.ask(read.path, read.arguments(1000 + number))
            if answer.status != 200:
                raise RuntimeError(f"{read.name}: {answer.status} {answer.body[:300]!r}")
        with cpu_time(server) as cpu_s:
            answers = [client.ask(read.path, read.arguments(n)) for n in range(REPEATS)]
        yield read.name, Times.of(answers, cpu_s[0])
