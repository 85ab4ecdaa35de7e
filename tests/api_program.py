"""A program that uses the API, and the sources and runs that it may see."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from sqlalchemy import Connection, Engine, select

from analytics.history.rollups import roll_up_all
from records.sources.live_sources import SourceSettings, add_source
from records.tables.sources import Source
from records.users.api_tokens import add_token
from records.users.roles import TokenScope
from tests.history import WrittenRun, at_us, write_history_run

BEGIN = datetime(2026, 3, 2, 9, 17, tzinfo=UTC)
"""When the first runs begin: a Monday."""
SPAN = {"from": "2026-03-02T00:00Z", "to": "2026-03-05T00:00Z"}
TIMEOUT_S = 60


@dataclass
class Program:
    """A program with a token; "" for none. address: of the dashboard."""

    address: str
    token: str = ""
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        """Send a request to a path below /api/v1."""
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = f"{self.address}/api/v1{path}"
        return self.session.request(method, url, headers=headers, timeout=TIMEOUT_S, **options)

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of an answer, which must be 200."""
        answer = self.ask(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """Yield the items of all pages of a list."""
        while True:
            page = self.get(path, **params)
            yield from page["items"]
            if page["next"] is None:
                return
            params["cursor"] = page["next"]


@dataclass(frozen=True)
class Site:
    """Two recordings' sources with runs, and two cameras. runs: by source, oldest first."""

    engine: Engine
    runs: dict[str, list[WrittenRun]]

    def token(self, name: str, scope: TokenScope, *sources: str) -> str:
        """Make a token, limited to sources if any are given."""
        return add_token(self.engine, name, scope, sources=sources or None, actor="test")

    def pk(self, connection: Connection, source: str) -> int:
        """Return the key of a source."""
        return connection.execute(select(Source.id).where(Source.name == source)).scalar_one()


def make_site(engine: Engine) -> Site:
    """Write the runs of `door` and `hall`, their rollups, and the cameras `gate` and `yard`."""
    chance, runs = random.Random(26), dict[str, list[WrittenRun]]()
    for source, hours in (("door", (0, 1, 26)), ("hall", (0, 3))):
        begins = [BEGIN + timedelta(hours=hour) for hour in hours]
        runs[source] = [
            write_history_run(engine, source, at_us(begin), 150, chance) for begin in begins
        ]
    roll_up_all(engine)
    for name in ("gate", "yard"):
        uri = f"rtsp://camera.example/{name}"
        add_source(engine, name, SourceSettings(uri, uri, None, 5.0, 640, (name,)))
    return Site(engine, runs)
