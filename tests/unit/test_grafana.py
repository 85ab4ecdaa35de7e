"""deploy/grafana: valid files, whose queries parse and name metrics that moodline has."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import promql_parser as promql
import pytest
import yaml
from prometheus_client.core import Metric

from analytics.health.verdict import Verdict
from contracts.settings import Settings
from contracts.times import utc_now
from inference_worker.metrics import WorkerMetrics
from ingest.metrics import IngestMetrics
from moodline.metrics.source_metrics import SourceMetrics
from moodline.services.health import Health

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARDS = {
    path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("dashboards/*"))
}
SOURCES = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "moodline.yaml").read_text())
ALERTS = yaml.safe_load((FOLDER / "provisioning" / "alerting" / "moodline.yaml").read_text())
SCRAPE = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
PROMETHEUS = "prometheus"
OF_PROMETHEUS = {"instance", "job", "le", "service"}
"""Labels that Prometheus adds, or that its configuration here does."""


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def labels_of_metrics() -> dict[str, set[str]]:
    """Return the labels of every series that a service can serve, by name."""
    health = Health(60)
    health.watch_system(lambda: Verdict.of((), (), utc_now()))
    health.look_at_system()
    WorkerMetrics(health.registry)
    IngestMetrics(health.registry)
    found: dict[str, set[str]] = {}
    for collector in list(health.registry._collector_to_names):
        labels = set(getattr(collector, "_labelnames", ()))
        for metric in collector.collect():
            found |= dict.fromkeys(_series(metric), labels)
    for metric in SourceMetrics(cast("Any", None)).describe():
        found |= {name: set(cast("Any", metric)._labelnames) for name in _series(metric)}
    return found


def _series(metric: Metric) -> list[str]:
    if metric.type == "histogram":
        return [f"{metric.name}_{end}" for end in ("bucket", "sum", "count")]
    return [f"{metric.name}_total"] if metric.type == "counter" else [metric.name]


METRICS = labels_of_metrics()


def expressions() -> Iterator[tuple[str, str]]:
    """Yield each PromQL expression with the name of its panel or rule."""
    for name, dashboard in DASHBOARDS.items():
        for panel in panels(dashboard):
            for target in panel.get("targets", []):
                if target["datasource"]["type"] == PROMETHEUS:
                    yield f"{name}: {panel['title']}", target["expr"]
    for rule in ALERTS["groups"][0]["rules"]:
        yield rule["title"], rule["data"][0]["model"]["expr"]


@pytest.mark.parametrize(("where", "expression"), [*expressions()])
def test_every_expression_parses_and_every_metric_and_label_exists(
    where: str, expression: str
) -> None:
    plain = expression.replace("$__rate_interval", "5m").replace("$source", "door")
    tree = promql.parse(plain)
    names = set(re.findall(r"\b(?:moodline|process)_\w+", plain))
    assert names, where
    assert names <= METRICS.keys(), where
    known = set().union(*(METRICS[name] for name in names)) | OF_PROMETHEUS
    used = set(re.findall(r"(\w+)(?:=~?|!=|!~)\"", plain))
    for group in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", plain):
        used |= {one.strip() for one in group.split(",") if one.strip()}
    assert used <= known, where
    assert tree.prettify()


def test_all_series_of_sources_and_of_the_verdict_are_shown() -> None:
    shown = " ".join(expression for _, expression in expressions())
    missing = [
        name
        for name in METRICS
        if name.startswith(("moodline_source", "moodline_person", "moodline_health"))
        and name not in shown
    ]
    assert missing == []


def test_legends_name_labels_that_the_series_have() -> None:
    for dashboard in DASHBOARDS.values():
        for panel in panels(dashboard):
            for target in panel.get("targets", []):
                for label in re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", "")):
                    known = set().union(*METRICS.values()) | OF_PROMETHEUS
                    assert label in known, (panel["title"], label)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboards_are_whole(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["uid"] == name.removesuffix(".json")
    assert dashboard["title"] and dashboard["description"] and dashboard["schemaVersion"] >= 39
    assert "id" not in dashboard, "it is of one Grafana"
    numbers = [panel["id"] for panel in panels(dashboard)]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in panels(dashboard):
        place = panel["gridPos"]
        assert panel["title"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert max(x for x, _ in cells) < 24 and not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            references = [target["refId"] for target in panel["targets"]]
            assert references and len(set(references)) == len(references)
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    text = json.dumps(dashboard)
    used = set(re.findall(r"\$\{?(\w+)", text))
    builtin = {"__rate_interval", "__from", "__to", "__all"}
    assert used - builtin <= variables


def test_data_sources_are_those_that_dashboards_and_alerts_use() -> None:
    known = {one["uid"]: one["type"] for one in SOURCES["datasources"]}
    types = {
        panel["datasource"]["type"]
        for dashboard in DASHBOARDS.values()
        for panel in panels(dashboard)
        if "datasource" in panel
    }
    assert types <= set(known.values())
    for dashboard in DASHBOARDS.values():
        (chosen,) = [one for one in dashboard["templating"]["list"] if one["type"] == "datasource"]
        assert chosen["current"]["value"] in {one["name"] for one in SOURCES["datasources"]}
    for rule in ALERTS["groups"][0]["rules"]:
        assert rule["data"][0]["datasourceUid"] in known
        assert rule["condition"] == rule["data"][1]["refId"]
        assert rule["data"][1]["model"]["expression"] == rule["data"][0]["refId"]
        assert rule["annotations"]["summary"] and rule["labels"]["severity"]
    names = [rule["uid"] for rule in ALERTS["groups"][0]["rules"]]
    assert len(set(names)) == len(names) and all(len(one) <= 40 for one in names)


def test_no_file_has_a_secret() -> None:
    for path in FOLDER.rglob("*"):
        if path.suffix in {".yaml", ".yml"}:
            lines = r"^ *(?:password|bearerToken|credentials): *(\S+)"
            found = re.findall(lines, path.read_text(), re.MULTILINE)
            assert [one for one in found if not one.startswith("$__file{")] == [], path


def test_the_compose_file_is_valid_and_hardened() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*checker, FOLDER / "compose.yaml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    services = COMPOSE["services"]
    for name in ("grant-views", "prometheus", "grafana"):
        one = services[name]
        assert one["read_only"] and one["cap_drop"] == ["ALL"] and one["mem_limit"], name
        assert not one["user"].startswith("0"), name
    assert services["grafana"]["ports"] == ["127.0.0.1:3000:3000"]
    assert "ports" not in services["prometheus"]
    assert "database" not in services["prometheus"]["networks"]
    for name in ("ingest", "worker", "scheduler"):
        assert services[name]["environment"] == {"MOODLINE_HEALTH": "0.0.0.0:9464"}
        assert "moodline_health_token" in services[name]["secrets"]
        assert "metrics" in services[name]["networks"]
    assert "moodline_health_token".removeprefix("moodline_") in Settings.model_fields
    (job,) = SCRAPE["scrape_configs"]
    assert set(job["dns_sd_configs"][0]["names"]) == {"ingest", "worker", "scheduler"}


def test_secrets_are_made_once(tmp_path: Path) -> None:
    script = ["sh", FOLDER / "make-secrets.sh", tmp_path]
    subprocess.run(script, check=True, capture_output=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert made.keys() == COMPOSE["secrets"].keys()
    subprocess.run(script, check=True, capture_output=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
    assert len(set(made.values())) == len(made)
