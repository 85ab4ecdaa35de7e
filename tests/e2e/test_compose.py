"""docker-compose.yml, proved without Docker: every service's own command, as local processes."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import expect
from sqlalchemy import func, select

from broker.embedded import EmbeddedBroker
from records.database import open_engine, reading
from records.tables.rollups import rollups
from records.windows import DAY_S
from tests.browser import chromium
from tests.e2e.commands import Installation, poll
from tests.e2e.test_services import free_port

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("moodline:")}


def test_it_is_what_the_compose_specification_allows() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*checker, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_dashboard_is_published_on_loopback_and_our_services_can_do_little() -> None:
    assert set(OURS) == {"migrate", "ingest", "worker", "worker-gpu", "scheduler", "dashboard"}
    assert SERVICES["dashboard"]["ports"] == ["127.0.0.1:8050:8050"]
    assert OURS["worker-gpu"]["profiles"] == ["gpu"], "it must not start where no GPU is"
    for name, one in SERVICES.items():
        assert "ports" not in one or name == "dashboard", name
        assert "privileged" not in one, name
    for name, one in OURS.items():
        assert one["read_only"] and one["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in one["security_opt"], name
    assert re.search(r"^USER moodline$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_the_broker_is_a_queue_in_memory() -> None:
    command = SERVICES["redis"]["command"]
    for option in (
        '--save ""',
        "--appendonly no",
        "--maxmemory-policy noeviction",
        "--requirepass",
    ):
        assert option in command


def test_every_variable_has_an_example_and_no_secret_a_default() -> None:
    named = {name for name, _ in re.findall(r"\$\{(\w+)([^}]*)\}", TEXT)}
    example = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert named == set(example)
    for name, rest in re.findall(r"\$\{(\w*PASSWORD)([^}]*)\}", TEXT):
        assert rest.startswith(":?"), f"{name} must be set by its owner"


def test_services_start_when_what_they_need_is_ready() -> None:
    for name in ("redis", "postgres"):
        assert SERVICES[name]["healthcheck"]["test"]
    for name in ("ingest", "worker", "worker-gpu", "scheduler", "dashboard"):
        assert "/healthz" in OURS[name]["healthcheck"]["test"][-1]
        needs = OURS[name]["depends_on"]
        assert needs["redis"]["condition"] == "service_healthy"
        assert needs["migrate"]["condition"] == "service_completed_successfully"


@pytest.fixture
def environment(postgresql_database: str) -> Any:
    """The services' environment, with private servers in the place of the containers."""
    with EmbeddedBroker() as broker:
        places = {
            "MOODLINE_REDIS_URL": broker.url,
            "MOODLINE_DATABASE_URL": postgresql_database,
            # Each container has the port to itself; here they share one machine's.
            "MOODLINE_HEALTH": "",
            "MOODLINE_UPLOADS": "",
        }
        declared = OURS["worker"]["environment"]
        assert set(places) < set(declared)
        yield {name: places.get(name, value) for name, value in declared.items()}


def defaults(declared: dict[str, str]) -> dict[str, str]:
    """As compose fills them in where .env says nothing."""
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for name, text in declared.items()}


def is_healthy(one: dict[str, Any], port: int) -> bool:
    """Whether the service's own healthcheck says so, asked on that port."""
    _, _, option, code = one["healthcheck"]["test"]
    code = code.replace(":9464", f":{port}").replace(":8050", f":{port}")
    return (
        subprocess.run([sys.executable, option, code], capture_output=True, check=False).returncode
        == 0
    )


def folded(url: str) -> int:
    """How many frames the scheduler has rolled up into days."""
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            days = select(func.sum(rollups.c.frames)).where(rollups.c.width_s == DAY_S)
            return int(connection.execute(days).scalar() or 0)
    finally:
        engine.dispose()


def shown_chart(port: int) -> str:
    """What the chart says to somebody who signs in with the password of the settings."""
    password = OURS["dashboard"]["environment"]["MOODLINE_DASHBOARD_PASSWORD"]
    with chromium() as browser, browser.new_page() as page:
        page.goto(f"http://127.0.0.1:{port}/trends?from=now-1h&to=now")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("figure:visible .main-svg").first).to_be_visible()
        return page.locator("#lead").inner_text()


def test_the_services_commands_do_the_work(
    environment: dict[str, str], one_face: Path, tmp_path: Path
) -> None:
    environment = environment | {"MOODLINE_HOME": str(tmp_path / "home")}
    host = Installation(tmp_path / "home", environment)
    migrated = host.run(*OURS["migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr
    ports = {name: free_port() for name in ("ingest", "worker", "scheduler", "dashboard")}
    services = []
    for name, port in ports.items():
        env = defaults(OURS[name]["environment"]) | environment
        if name != "dashboard":
            env |= {"MOODLINE_HEALTH": f"127.0.0.1:{port}"}
        words = [str(port) if word == "8050" else str(word) for word in OURS[name]["command"]]
        services.append(Installation(host.home, env).start(*words))
    try:
        for name, port in ports.items():
            poll(lambda name=name, port=port: is_healthy(OURS[name], port))
        assert host.run("analyze", one_face, "--detach").returncode == 0
        watched = host.run("jobs", "watch", "--json")
        poll(lambda: folded(environment["MOODLINE_DATABASE_URL"]) == 60)
        chart = shown_chart(ports["dashboard"])
    finally:
        for service in services:
            service.send_signal(signal.SIGTERM)
        ends = [service.communicate(timeout=60) for service in services]

    assert watched.returncode == 0, watched.stderr
    assert "one-face.mp4: mostly neutral" in chart
    runs = json.loads(host.run("runs", "list", "--json").stdout)["runs"]
    assert [(run["state"], run["frames_analyzed"]) for run in runs] == [("done", 60)], ends
