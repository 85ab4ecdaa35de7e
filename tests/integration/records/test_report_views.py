"""The SQL views for other programs: their columns stay, and their sums are those of the rollups."""

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, insert, make_url, text

from analytics.history.measures import measures_from_sums
from analytics.history.rollups import roll_up_all
from contracts.expressions import EXPRESSIONS, LABELS
from contracts.times import from_micros, to_micros
from records.database import open_engine, reading, transaction
from records.report_views import _NAMES
from records.rollups.windows import DAY_S, HOUR_S, MINUTE_S, QUARTER_S
from records.schema import downgrade, known_revisions, upgrade
from records.sources.live_sources import SourceSettings, add_source
from records.tables.alerts import AlertEvent
from tests.history import WrittenRun, expected_sums, write_history_run
from tests.rows import FaceSpec, write_run

pytestmark = pytest.mark.both_databases
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "sql-views.md"
GRAFANA = Path(__file__).parents[3] / "deploy" / "grafana"
BEGIN = datetime(2026, 3, 4, 5, 58, tzinfo=UTC)
WIDTHS = {"minute": MINUTE_S, "quarter": QUARTER_S, "hour": HOUR_S, "day": DAY_S}


@pytest.fixture(scope="module")
def history(shared_engine: Engine) -> tuple[Engine, list[WrittenRun]]:
    chance = random.Random(4)
    runs = [
        write_history_run(shared_engine, name, to_micros(BEGIN), 1500, chance, batch=300)
        for name in ("a.mp4", "b.mp4")
    ]
    roll_up_all(shared_engine)
    return shared_engine, runs


def rows(engine: Engine, query: str) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def documented() -> dict[str, list[str]]:
    """Return the columns of each view in the documentation, in order."""
    found: dict[str, list[str]] = {}
    for line in PAGE.read_text().splitlines():
        if heading := re.match(
            r"## `(v_\w+)`(?:, `(v_\w+)`)?(?:, `(v_\w+)`)?(?:, `(v_\w+)`)?", line
        ):
            names = [name for name in heading.groups() if name]
            found |= {name: [] for name in names}
        elif row := re.match(r"\| (`\w+`(?:, `\w+`)*) \|", line):
            for name in names:
                found[name] += re.findall(r"`(\w+)`", row[1])
    return found


def test_the_columns_are_those_that_are_documented(engine: Engine) -> None:
    with reading(engine) as connection:
        columns = {
            name: [*connection.execute(text(f"SELECT * FROM {name}")).keys()] for name in _NAMES
        }
    assert columns == documented()


@pytest.mark.parametrize("width", WIDTHS)
def test_timelines_have_the_sums_of_the_rollups(
    history: tuple[Engine, list[WrittenRun]], width: str
) -> None:
    engine, runs = history
    expected = {
        (name, start): measures_from_sums(Counter(sums))
        for (name, _, start), sums in expected_sums(runs, (WIDTHS[width],)).items()
    }

    found = {
        (row["source"], row["start_us"]): row
        for row in rows(engine, f"SELECT * FROM v_timeline_{width}")
    }

    assert found.keys() == expected.keys()
    for key, measures in expected.items():
        row = found[key]
        assert {label: row[f"{label}_s"] for label in LABELS} == pytest.approx(measures.person_s)
        assert row["person_s"] == pytest.approx(measures.total_s)
        assert row["valence"] == (
            None if measures.valence is None else pytest.approx(measures.valence)
        )
        shares = {label: row[f"p_{label}"] for label in EXPRESSIONS}
        assert measures.probabilities is None or shares == pytest.approx(measures.probabilities)
        assert row["frames"] == measures.frames and row["faces"] == measures.faces
        assert row["captured"] == row["frames"] + row["sampled_out"] + row["dropped"]
        assert row["dropped"] == row["corrupt"] == sum(measures.dropped.values())
        assert (row["analyzed_s"], row["occupied_s"]) == (measures.analyzed_s, measures.occupied_s)


def test_expressions_as_rows_are_those_as_columns(history: tuple[Engine, list[WrittenRun]]) -> None:
    engine, _ = history
    for width in WIDTHS:
        wide = {
            (row["source_id"], row["start_us"], label): row[f"{label}_s"]
            for row in rows(engine, f"SELECT * FROM v_timeline_{width}")
            for label in LABELS
        }
        long = rows(engine, f"SELECT * FROM v_expressions_{width}")
        assert {
            (one["source_id"], one["start_us"], one["expression"]): one["person_s"] for one in long
        } == wide


def test_times_are_utc_and_equal_to_their_microseconds(
    history: tuple[Engine, list[WrittenRun]],
) -> None:
    engine, _ = history
    for view, time, micros in (
        ("v_timeline_hour", "time", "start_us"),
        ("v_faces", "captured_at", "captured_us"),
        ("v_tracks", "time_end", "time_end_us"),
    ):
        row = rows(engine, f"SELECT * FROM {view} ORDER BY {micros} DESC LIMIT 1")[0]
        shown = row[time]
        moment = datetime.fromisoformat(shown) if isinstance(shown, str) else shown
        assert moment.utcoffset() == timedelta(0) or moment.tzinfo is not None
        assert abs(moment - from_micros(row[micros])) < timedelta(milliseconds=1)


def test_faces_that_do_not_count_are_in_no_view(engine: Engine) -> None:
    pk = write_run(
        engine, "run1", {0: [FaceSpec(1, "happy"), FaceSpec(2, None)], 1: [FaceSpec(3, "sad")]}
    )
    other = write_run(engine, "run2", {0: [FaceSpec(1, "happy")]}, source="desk")
    with transaction(engine) as connection:
        connection.execute(
            text(f"UPDATE tracks SET mark = 'static' WHERE run_pk = {pk} AND track_id = 3")
        )
        connection.execute(text(f"UPDATE runs SET counted = (1 = 0) WHERE id = {other}"))

    faces = rows(engine, "SELECT * FROM v_faces ORDER BY track_id")
    assert [(one["source"], one["track_id"], one["emotion"]) for one in faces] == [
        ("door", 1, "happy"),
        ("door", 2, "uncertain"),
    ]
    assert {one["track_id"] for one in rows(engine, "SELECT * FROM v_tracks")} == {1, 2}
    assert [one["counted"] for one in rows(engine, "SELECT * FROM v_runs ORDER BY run_id")] == [
        1,
        0,
    ]


def test_no_view_has_the_address_of_a_source(engine: Engine) -> None:
    add_source(
        engine, "door", SourceSettings("rtsp://x/S3CRET", "rtsp://x", None, 5, 720, ("front",))
    )
    write_run(engine, "run1", {0: [FaceSpec(1, "happy")]})
    everything = "".join(str(rows(engine, f"SELECT * FROM {name}")) for name in _NAMES)
    assert "front" in everything
    assert "S3CRET" not in everything and "/videos/" not in everything


def test_alerts_begin_and_end(engine: Engine) -> None:
    later = BEGIN + timedelta(minutes=5)
    values = {
        "rule_pk": 1,
        "rule_name": "away",
        "severity": "warning",
        "subject": 1,
        "source": "door",
        "at": BEGIN,
        "recorded_at": BEGIN,
        "details": "{}",
        "value": 1.5,
    }
    with transaction(engine) as connection:
        connection.execute(
            insert(AlertEvent).values(**values, message_id="m1", kind="fired", resolved_at=later)
        )
        connection.execute(insert(AlertEvent).values(**values, message_id="m2", kind="resolved"))
    (row,) = rows(engine, "SELECT * FROM v_alerts")
    assert (row["rule"], row["source"], row["value"]) == ("away", "door", 1.5)
    assert row["time_end_us"] - row["time_us"] == 300_000_000


def grafana_queries() -> list[tuple[str, str]]:
    """Return the SQL of Grafana's panels, with values in place of its variables."""
    dashboard = json.loads((GRAFANA / "dashboards" / "moodline-history.json").read_text())
    queries = [
        (panel["title"], target["rawSql"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]
    queries += [(one["name"], one["target"]["rawSql"]) for one in dashboard["annotations"]["list"]]
    queries += [
        (one["name"], one["query"])
        for one in dashboard["templating"]["list"]
        if one["type"] == "query"
    ]
    return queries


@pytest.mark.parametrize("width", WIDTHS)
def test_queries_of_grafana_run_and_find_the_history(
    history: tuple[Engine, list[WrittenRun]], width: str
) -> None:
    engine, _ = history
    begin_ms = to_micros(BEGIN) // 1000 - 86_400_000
    values = {
        "$source": "'a.mp4', 'b.mp4'",
        "$width": width,
        "$__from": str(begin_ms),
        "$__to": str(begin_ms + 2 * 86_400_000),
    }
    empty = []
    for title, template in grafana_queries():
        query = re.sub(r"\$\w+", lambda found: values[found[0]], template)
        if not rows(engine, query):
            empty.append(title)
    assert empty == ["States of cameras", "Alerts"], "recordings have none"


def test_the_role_of_grafana_reads_views_and_nothing_else(
    postgresql_database: str, engine: Engine
) -> None:
    if engine.dialect.name != "postgresql":
        return
    script = (GRAFANA / "grant-views.sql").read_text().replace(":'password'", "'gr4fana'")
    plain = make_url(postgresql_database).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute(script)
        owner.execute(script)
        owner.execute("SET ROLE grafana")
        for name in _NAMES:
            owner.execute(f"SELECT * FROM {name}")
        for table in ("sources", "faces", "users", "broker_key", "alert_targets"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(f"SELECT * FROM {table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("DELETE FROM v_sources")
        owner.execute("RESET ROLE")
        owner.execute("DROP OWNED BY grafana")
        owner.execute("DROP ROLE grafana")


def test_views_survive_a_downgrade_and_rights_an_upgrade(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    if engine.dialect.name == "postgresql":
        with transaction(engine) as connection:
            connection.execute(text("DROP ROLE IF EXISTS grafana_reader"))
            connection.execute(text("CREATE ROLE grafana_reader"))
            connection.execute(text("GRANT SELECT ON v_timeline_hour TO grafana_reader"))
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            from records.report_views import replace_views

            replace_views(connection)
            right = "has_table_privilege('grafana_reader', 'v_timeline_hour', 'SELECT')"
            assert connection.execute(text(f"SELECT {right}")).scalar_one()
            connection.execute(text("DROP OWNED BY grafana_reader"))
            connection.execute(text("DROP ROLE grafana_reader"))
    downgrade(engine, known_revisions()[1])
    with pytest.raises(Exception, match="v_faces"), reading(engine) as connection:
        connection.execute(text("SELECT * FROM v_faces"))
    upgrade(engine)
    assert rows(engine, "SELECT * FROM v_faces") == []
    engine.dispose()
