"""The OpenAPI document, the reference page and the clients of the documentation."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from api.app import api_schema
from api.reference.page import reference_page
from tests.api_program import SPAN, Program, Site

ROOT = Path(__file__).parents[3]
DOCUMENT = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text())
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def client(name: str) -> str:
    """The code of a client in the documentation."""
    page = (ROOT / "docs" / "api.md").read_text()
    found = re.search(rf"<!-- client: {name} -->\n```\w+\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


def run_client(program: Program, command: list[str], code: str) -> str:
    """Run the code with the address and the token, over the time of the written runs."""
    for name, value in (("now-7d", SPAN["from"]), ("from=now-7d", f"from={SPAN['from']}")):
        code = code.replace(name, value)
    environment = {"MOODLINE_URL": program.address, "MOODLINE_TOKEN": program.token}
    done = subprocess.run(
        [*command, code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_documented_file_is_that_of_the_code() -> None:
    assert api_schema() == DOCUMENT, (
        "run `moodline api schema > docs/reference/openapi.json`, and look at what it changes"
    )


def test_the_server_has_the_document(reader: Program) -> None:
    found = reader.get("/openapi.json")
    assert found == DOCUMENT | {"servers": [{"url": "/api/v1"}]}
    assert found["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{one[0]} {one[1]}" for one in OPERATIONS]
)
def test_an_operation_is_described(method: str, path: str, operation: dict[str, Any]) -> None:
    assert operation["summary"] and operation["description"] and operation["tags"]
    assert operation["x-moodline-scope"] in {"read", "write", "admin"}
    assert {"401", "403", "422", "429", "503"} <= set(operation["responses"])
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        assert parameter.get("description") or schema.get("description") or "$ref" in str(schema)


def test_the_page_shows_every_operation_without_scripts(reader: Program) -> None:
    answer = reader.ask("/reference")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text and "http://www" not in answer.text
    for method, path, _ in OPERATIONS:
        assert f'href="#{method}-{path.strip("/").replace("/", "-")}"' in answer.text
    assert "<b>" not in reference_page(DOCUMENT | {"info": injected()}, "http://x")


def injected() -> dict[str, str]:
    return {"version": "<b>", "summary": "<b>", "description": "`<b>` <b>"}


def test_the_curl_client(site: Site, reader: Program) -> None:
    found = json.loads(run_client(reader, ["sh", "-c"], client("curl")))
    assert {one["source"] for one in found["totals"]} == {"door", "hall", "gate", "yard"}


def test_the_python_client(site: Site, reader: Program) -> None:
    code = client("python").replace('"step"', f'"to": "{SPAN["to"]}", "step"')
    printed = run_client(reader, [sys.executable, "-c"], code)
    total = reader.get("/totals", **SPAN, sources=["door"], compare="none")["together"]
    row = next(line for line in printed.splitlines() if line.startswith("door"))
    assert float(row.split()[1]) == pytest.approx(total["person_s"], rel=1e-3)
