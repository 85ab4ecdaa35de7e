"""The page System in a browser, over records that the test writes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import Engine, insert

from analytics.health.verdict import Verdict
from broker.heartbeats import Heartbeats
from broker.reports import WorkerReport
from contracts.runs import RunKind
from contracts.settings import Settings
from contracts.times import from_micros, to_micros, utc_now
from moodline.adapters.system_status import (
    BrokerStatus,
    DatabaseStatus,
    SystemStatus,
)
from records.audit import write_audit_entry
from records.audit_actions import Action
from records.database import open_engine, transaction
from records.rollups.windows import DAY_S, window_start
from records.schema import upgrade
from records.tables.rollups import rollups
from records.tables.sources import Source
from serving.backend import Backend
from tests.pages import quiet_page, serving


@pytest.fixture(scope="module")
def viewer(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(locale="en-GB") as one:
        yield one


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'records.db'}")
    upgrade(engine)
    yield engine
    engine.dispose()


def test_storage_shows_the_largest_number_of_rows_in_a_day(
    viewer: BrowserContext, engine: Engine
) -> None:
    with (
        serving(Backend(engine, Settings())) as address,
        quiet_page(viewer, address) as page,
    ):
        page.goto(f"{address}/system")
        storage = page.locator("#storage")
        expect(storage).to_contain_text("No rows yet.")
        expect(storage).to_contain_text("No rows in the last 14 days.")
        expect(storage).not_to_contain_text("Maximum")
        day = from_micros(window_start(to_micros(utc_now() - timedelta(days=2)), DAY_S))
        with transaction(engine) as connection:
            for name, tags, frames in (("door", "[]", 1200), ("month", '["generated"]', 9000)):
                source = insert(Source).values(
                    name=name, tags=tags, kind=RunKind.FILE, created_at=day
                )
                pk = connection.execute(source.returning(Source.id)).scalar_one()
                connection.execute(
                    insert(rollups).values(
                        source_pk=pk,
                        width_s=DAY_S,
                        start=to_micros(day),
                        part=0,
                        folded_at=day,
                        frames=frames,
                        faces=34,
                    )
                )
        page.reload()  # A generated month has no rows.
        expect(storage).to_contain_text("Maximum: 1,234.")


def test_details_of_the_audit_are_in_words(browser: Browser, engine: Engine) -> None:
    entries: dict[Action, Mapping[str, object]] = {
        Action.TOKEN_ADDED: {"token": "read", "scope": "read", "sources": ["all"]},
        Action.RETENTION_SET: {"days": {"faces": 30, "audit": 365}},
        Action.ZONES_CHANGED: {"source": "mask", "zones": "include hall; mask desk, window"},
        Action.ALERT_ADDED: {"rule": "all", "when": "share of angry above 30 % for 5 min"},
        Action.UPLOADED: {"file": "a.mp4", "bytes": 2_500_000, "run": "1-2"},
        Action.ERASED: {"scope": {"source": "door"}, "frames": 7, "faces": 1, "rollups": 2},
    }
    with transaction(engine) as connection:
        for action, details in entries.items():
            write_audit_entry(connection, "ada", action, details)
    with (
        browser.new_context(locale="de-DE") as german,
        serving(Backend(engine, Settings())) as address,
        quiet_page(german, address) as page,
    ):
        page.goto(f"{address}/system")
        cells = page.locator("#audit tbody td:last-child")
        expect(cells).to_have_text(
            [
                "Quelle: door, 9 Frames, 1 Gesicht",
                "Datei: a.mp4, Größe: 2,5 MB, Lauf: 1-2",
                "Regel: all, Wann: Anteil Wut über 30 %, 5 min lang",
                "Quelle: mask, Zonen: einschließen: hall; Datenschutzmaske: desk, window",
                "Aufbewahrt (Tage): Gesichter: 30, Protokoll: 365",
                "Token: read, Umfang: lesen, Quellen: alle",
            ]
        )


def test_runs_that_a_worker_cannot_analyse_are_named(
    viewer: BrowserContext, engine: Engine
) -> None:
    worker = WorkerReport("w", "here", 7, "cpu", "new@1", refusals=("a.mp4: it needs old@1",) * 2)
    status = SystemStatus(
        BrokerStatus(True, "unix://x", True, ""),
        DatabaseStatus(True, "sqlite://", "0009", 1, ""),
        Heartbeats(workers=(worker, replace(worker, id="v"), replace(worker, host="there"))),
        Verdict.of((), (), utc_now()),
    )
    with (
        serving(Backend(engine, Settings(), status=status.as_json)) as address,
        quiet_page(viewer, address) as page,
    ):
        page.goto(f"{address}/system")
        refusal = page.get_by_text("a.mp4: it needs old@1")
        expect(refusal).to_have_count(1)
        expect(refusal).to_contain_text("Cannot be analysed on here, there")
