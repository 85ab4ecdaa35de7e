"""Docstrings, and the texts below constants, begin with a noun phrase or a verb."""

import ast
import re
from pathlib import Path

import pytest

import contracts

ROOT = Path(contracts.__file__).parent.parent
PACKAGES = (
    *("contracts", "runtime", "broker", "records", "ingest", "inference_worker", "analytics"),
    *("serving", "api", "dashboard", "training", "moodline", "benchmarks", "tests"),
)
NO_BEGINNING = ("What ", "Who ", "Of ")
SUSPECT = re.compile(rf"""^\s*[rRuU]?["']+({"|".join(NO_BEGINNING)})""", re.MULTILINE)


def texts(path: Path) -> list[tuple[int, str]]:
    """The line and the text of each string that stands alone, if one may begin so.

    A string that stands alone begins a line. Few files are parsed, because it takes long.
    """
    source = path.read_text()
    if not SUSPECT.search(source):
        return []
    return [
        (node.lineno, node.value.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_docstring_begins_with_a_noun_phrase_or_a_verb(package: str) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    assert not [
        f"{path.relative_to(ROOT)}:{line}: {text[:60]}"
        for path in sources
        if ".venv" not in str(path)
        for line, text in texts(path)
        if text.startswith(NO_BEGINNING)
    ]
