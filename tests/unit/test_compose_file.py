"""docker-compose.yml as text: valid, hardened, and complete."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("moodline:")}


def test_the_file_follows_the_compose_specification() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*checker, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_dashboard_is_published_and_services_are_hardened() -> None:
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


def test_the_broker_keeps_frames_in_memory_only() -> None:
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


def test_services_wait_for_the_services_they_need() -> None:
    for name in ("redis", "postgres"):
        assert SERVICES[name]["healthcheck"]["test"]
    for name in ("ingest", "worker", "worker-gpu", "scheduler", "dashboard"):
        assert "/healthz" in OURS[name]["healthcheck"]["test"][-1]
        needs = OURS[name]["depends_on"]
        assert needs["redis"]["condition"] == "service_healthy"
        assert needs["migrate"]["condition"] == "service_completed_successfully"
