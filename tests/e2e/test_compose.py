"""The commands of docker-compose.yml, run as local processes instead of containers."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import func, select

from records.database import open_engine, reading
from records.rollups.windows import DAY_S
from records.tables.rollups import rollups
from tests.compose import OURS, compose_broker, make_secrets
from tests.e2e.commands import TIMEOUT_S, Installation, listens, poll
from tests.pages import patient_page
from tests.rtsp import free_ports


@pytest.fixture
def environment(postgresql_database: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the services, with private servers instead of containers."""
    secrets = make_secrets(tmp_path)
    with compose_broker(secrets) as (broker_url, _):
        for name, url in (("redis", broker_url), ("database", postgresql_database)):
            file = secrets / f"moodline_{name}_url"
            file.unlink()
            file.write_text(url)
        places = {
            "MOODLINE_SECRETS": str(secrets),
            # Containers have the port to themselves; these processes share one machine.
            "MOODLINE_HEALTH": "",
            "MOODLINE_UPLOADS": "",
        }
        declared = OURS["worker"]["environment"]
        assert set(places) < set(declared)
        yield {name: places.get(name, value) for name, value in declared.items()}


def defaults(declared: dict[str, str]) -> dict[str, str]:
    """The environment with the defaults that Compose would fill in."""
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text) for name, text in declared.items()}


def is_healthy(one: dict[str, Any], port: int) -> bool:
    """Whether the service's own health check passes on that port."""
    _, _, option, code = one["healthcheck"]["test"]
    code = code.replace(":9464", f":{port}").replace(":8050", f":{port}")
    return (
        subprocess.run([sys.executable, option, code], capture_output=True, check=False).returncode
        == 0
    )


def rolled_up_frames(url: str) -> int:
    """The number of frames in the rollups by day."""
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            days = select(func.sum(rollups.c.frames)).where(rollups.c.width_s == DAY_S)
            return int(connection.execute(days).scalar() or 0)
    finally:
        engine.dispose()


def chart_sentence(browser: Browser, port: int, password: str) -> str:
    """The sentence above the chart, after signing in with the configured password."""
    with browser.new_context() as viewer, patient_page(viewer) as page:
        page.goto(f"http://127.0.0.1:{port}/trends?from=now-1h&to=now")
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("figure:visible .main-svg").first).to_be_visible()
        return page.locator("#lead").inner_text()


def test_the_commands_of_all_services_analyse_a_recording(
    environment: dict[str, str],
    postgresql_database: str,
    browser: Browser,
    one_face: Path,
    tmp_path: Path,
) -> None:
    environment = environment | {"MOODLINE_HOME": str(tmp_path / "home")}
    host = Installation(tmp_path / "home", environment)
    migrated = host.run(*OURS["migrate"]["command"])
    assert migrated.returncode == 0, migrated.stderr
    names = ("ingest", "worker", "scheduler", "dashboard")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    services = []
    for name, port in ports.items():
        env = defaults(OURS[name]["environment"]) | environment
        if name != "dashboard":
            env |= {"MOODLINE_HEALTH": f"127.0.0.1:{port}"}
        words = [str(port) if word == "8050" else str(word) for word in OURS[name]["command"]]
        services.append(Installation(host.home, env).start(*words))
    try:
        for name, port in ports.items():
            poll(lambda port=port: listens(port))
            poll(lambda name=name, port=port: is_healthy(OURS[name], port))
        assert host.run("analyze", one_face, "--detach").returncode == 0
        watched = host.run("jobs", "watch", "--json")
        poll(lambda: rolled_up_frames(postgresql_database) == 60)
        secrets = Path(environment["MOODLINE_SECRETS"])
        password = (secrets / "moodline_dashboard_password").read_text().strip()
        chart = chart_sentence(browser, ports["dashboard"], password)
    finally:
        for service in services:
            service.send_signal(signal.SIGTERM)
        ends = [service.communicate(timeout=TIMEOUT_S) for service in services]

    assert watched.returncode == 0, watched.stderr
    assert "one-face.mp4: mostly neutral" in chart
    runs = json.loads(host.run("runs", "list", "--json").stdout)["runs"]
    assert [(run["state"], run["frames_analyzed"]) for run in runs] == [("done", 60)], ends
