"""The JSON schema of `moodline apply` is published as it is in code, and the examples follow it."""

import json
import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from moodline.as_code.document import json_schema
from moodline.as_code.parsing import parse_file

DOCS = Path(__file__).parents[3] / "docs"
PUBLISHED = DOCS / "reference" / "moodline.schema.json"


def test_the_published_schema_is_that_of_the_code() -> None:
    assert (
        PUBLISHED.read_text() == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    ), "run: moodline apply --schema > docs/reference/moodline.schema.json"
    Draft202012Validator.check_schema(json_schema())


def test_the_documented_example_is_valid_for_editors_and_for_moodline() -> None:
    page = (DOCS / "integrations.md").read_text()
    (example,) = [
        block
        for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
        if "version: 1" in block
    ]
    Draft202012Validator(json_schema()).validate(yaml.safe_load(example))
    document = parse_file(example, "example.yaml", DOCS, {}).document
    assert document.sources and document.folders and document.targets and document.alerts


def test_every_key_is_described_for_editors() -> None:
    schema = json_schema()
    missing = [
        f"{part}.{name}"
        for part, definition in schema["$defs"].items()
        for name, field in definition.get("properties", {}).items()
        if "description" not in field and "default" not in field and "items" not in field
    ]
    assert missing == []
