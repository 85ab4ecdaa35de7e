"""A source that is renamed while it is read: its process changes, and nothing is left behind."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import Engine

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from broker.presence import Presence
from broker.reports import SourceReport
from contracts.analysis_spec import AnalysisOptions, AnalysisSpec
from contracts.live_sources import LiveState
from contracts.settings import Settings
from contracts.times import utc_now
from ingest.live.supervision import supervisor as module
from ingest.live.supervision.status_reports import ProcessEnded, Report, SourceStatus
from ingest.live.supervision.supervisor import SourceSupervisor
from records.broker_key import read_broker_key
from records.sources.live_sources import SourceSettings, add_source
from records.sources.renaming import rename_source

SPEC = AnalysisSpec("haar-1", "m", AnalysisOptions(0.4, None, 24, 640))


@dataclass
class Template:
    """A template that notes its orders; the test writes its reports."""

    orders: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[Report] = field(default_factory=list)
    is_running = True

    def open(self) -> None: ...

    def close(self) -> None: ...

    def start(self, source: str, _spec: AnalysisSpec) -> None:
        self.orders.append(("start", source))

    def stop(self, source: str) -> None:
        self.orders.append(("stop", source))

    def kill(self, source: str) -> None:
        self.orders.append(("kill", source))

    def reports(self) -> list[Report]:
        found, self.waiting = self.waiting, []
        return found


def test_a_running_source_is_stopped_by_its_former_name_and_started_by_its_new_one(
    sqlite_engine: Engine,
    broker: EmbeddedBroker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = Template()
    monkeypatch.setattr(module, "TemplateClient", lambda _env: template)
    monkeypatch.setattr(SourceSupervisor, "_is_due", lambda *_: True)
    add_source(sqlite_engine, "door", SourceSettings("0", "camera 0", None, 5.0, 720))
    env = {"MOODLINE_REDIS_URL": broker.url}
    bus = Bus.connect(broker.url, read_broker_key(sqlite_engine))
    alive = Presence(bus, SourceReport)

    def step(*reports: Report) -> list[tuple[str, str]]:
        template.waiting.extend(reports)
        supervisor.step()
        orders, template.orders = template.orders, []
        return orders

    def status(name: str) -> SourceStatus:
        return SourceStatus(name, LiveState.STREAMING, "", utc_now(), run_id="r1")

    with SourceSupervisor(
        Settings(home=tmp_path), sqlite_engine, env, lambda _: SPEC
    ) as supervisor:
        assert step() == [("start", "door")]
        step(status("door"))
        assert [one.id for one in alive.alive()] == ["door"]
        rename_source(sqlite_engine, "door", "entrance")
        assert step(status("door")) == [("stop", "door")]
        assert [one.id for one in alive.alive()] == ["entrance"], "its heartbeat has the new name"
        assert step(status("door")) == []
        assert step(ProcessEnded("door", 0)) == [("start", "entrance")]
        step(status("entrance"))
        (found,) = alive.alive()
        assert (found.id, found.state) == ("entrance", LiveState.STREAMING)
    bus.close()
