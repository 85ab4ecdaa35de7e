"""/healthz, /readyz and /metrics over real sockets."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from contracts.errors import SettingsError
from contracts.parsing.addresses import HostPort
from inference_worker.metrics import WorkerMetrics
from ingest.metrics import IngestMetrics
from moodline.services.health import Health
from moodline.services.health_server import HealthServer

OPERATIONS = (Path(__file__).parents[3] / "docs" / "reference" / "metrics.md").read_text()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def served(health: Health, token: str = "") -> Iterator[str]:
    with HealthServer(health, HostPort("127.0.0.1", 0), token) as server:
        yield f"http://127.0.0.1:{server.port}"


def get(url: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_service_is_ready_once_it_could_work_and_not_while_it_cannot() -> None:
    health = Health(60)
    with served(health) as url:
        assert get(f"{url}/readyz")[0] == 503
        health.note_step("")
        assert get(f"{url}/readyz")[0] == 200
        health.note_step("cannot reach redis://:s3cret@broker/0")
        status, body = get(f"{url}/readyz")
        assert status == 503
        assert json.loads(body)["trouble"] == "cannot reach redis://***@broker/0"
        assert get(f"{url}/healthz")[0] == 200


def test_a_service_that_no_longer_turns_is_not_alive() -> None:
    clock = Clock()
    health = Health(60, clock)
    health.note_step("")
    clock.now += 61
    with served(health) as url:
        assert get(f"{url}/healthz")[0] == 503
        assert get(f"{url}/readyz")[0] == 503


def test_metrics_ask_for_the_token() -> None:
    with served(Health(60), token="t0ken") as url:
        assert get(f"{url}/metrics")[0] == 401
        assert get(f"{url}/metrics", "wrong")[0] == 401
        status, body = get(f"{url}/metrics", "t0ken")
        assert status == 200 and "moodline_ready 0.0" in body
        assert get(f"{url}/healthz")[0] == 200
        assert get(f"{url}/anything")[0] == 404


@pytest.mark.parametrize("address", ["0.0.0.0:9464", "[::]:9464", "myhost:9464"])
def test_beyond_loopback_there_must_be_a_token(address: str) -> None:
    with pytest.raises(SettingsError, match="token"):
        HealthServer(Health(60), HostPort.parse(address), "")


def test_every_metric_is_documented() -> None:
    registry = Health(60).registry
    WorkerMetrics(registry)
    IngestMetrics(registry)
    names = [
        f"{metric.name}_total" if metric.type == "counter" else metric.name
        for metric in registry.collect()
        if not metric.name.startswith("process_")
    ]
    assert len(names) > 12
    for name in names:
        assert f"`{name}`" in OPERATIONS, name
    assert isinstance(registry, CollectorRegistry)


def test_readiness_names_the_models_that_runs_need_and_the_service_lacks() -> None:
    health = Health(60)
    health.note_step("", ["old@1 centerface/2"])
    with served(health) as url:
        status, body = get(f"{url}/readyz")

    assert status == 200
    assert json.loads(body)["lacks"] == ["old@1 centerface/2"]
