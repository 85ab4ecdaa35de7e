"""Random requests from the OpenAPI document, by schemathesis: no answer outside of it, no 5xx."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.errors import SourceError
from contracts.settings import Settings
from moodline.adapters.sources import SourceEditor
from moodline.commands.services.dashboard import dashboard_backend
from records.users.accounts import add_user
from records.users.roles import Role, TokenScope
from tests.api_program import make_site
from tests.http_client import PASSWORD
from tests.pages import serving

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "ignored_auth"),
)


class Sources(SourceEditor):
    """As the real one, but opens no camera."""

    def probe(self, *given: Any, **more: Any) -> Any:
        raise SourceError("it cannot be opened")


@pytest.fixture(scope="module")
def address(shared_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    add_user(shared_engine, "mara", Role.ADMIN, PASSWORD, actor="test")
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    backend = dashboard_backend(settings, shared_engine)
    backend = replace(backend, sources=Sources(settings, shared_engine))
    with serving(backend, sign_in=True) as one:
        yield one


def fuzz(engine: Engine, address: str, folder: Path, examples: int, phases: str) -> int:
    """Send random requests, about this many for each operation; return how many they were."""
    site = make_site(engine)
    token = site.token("fuzzer", TokenScope.ADMIN)
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(DOCUMENT)),
        *("--url", f"{address}/api/v1"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(CHECKS), "--exclude-path", "/events"),
        *("--max-examples", str(examples), "--seed", "26", "--generation-database", "none"),
        *("--phases", phases, "--request-timeout", "120", "--workers", "4"),
        *("--report", "json", "--report-json-path", "report.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    return int(json.loads((folder / "report.json").read_text())["test_cases"]["generated"])


def test_random_requests(shared_engine: Engine, address: str, tmp_path: Path) -> None:
    fuzz(shared_engine, address, tmp_path, 5, "examples,fuzzing,stateful")


@pytest.mark.slow
@pytest.mark.both_databases
@pytest.mark.timeout(6 * 3600)
def test_ten_thousand_random_requests(shared_engine: Engine, address: str, tmp_path: Path) -> None:
    sent = fuzz(shared_engine, address, tmp_path, 200, "examples,coverage,fuzzing,stateful")
    assert sent >= 10_000
