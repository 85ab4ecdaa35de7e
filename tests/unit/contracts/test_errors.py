"""The error tree: every error class of the project is in contracts/errors.py."""

import ast
import inspect
from pathlib import Path

import pytest

from contracts import errors
from contracts.errors import MoodlineError

ROOT = Path(errors.__file__).parent.parent
PACKAGES = (
    *("contracts", "runtime", "broker", "records", "ingest", "inference_worker", "analytics"),
    *("serving", "api", "dashboard", "training", "moodline"),
)
DEFINED = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if one.__module__ == "contracts.errors"
]


def error_classes(path: Path) -> list[str]:
    """The classes in a source file that are errors, by their name or their base's."""
    return [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(
            name.endswith(("Error", "Exception"))
            for name in (node.name, *(ast.unparse(base) for base in node.bases))
        )
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_defines_no_errors_of_its_own(package: str) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    elsewhere = {
        str(path.relative_to(ROOT)): names
        for path in sources
        if path != Path(errors.__file__) and (names := error_classes(path))
    }
    assert elsewhere == {}


@pytest.mark.parametrize("error", DEFINED)
def test_an_error_is_in_the_tree_and_says_when_it_is_raised(error: type[Exception]) -> None:
    assert issubclass(error, MoodlineError)
    assert (error.__doc__ or "").startswith("Raised when ")


def test_the_line_of_an_error_ends_with_its_hint() -> None:
    assert MoodlineError("no such file", hint="Check the path").line() == (
        "no such file. Check the path"
    )
    assert MoodlineError("no such file").line() == "no such file"
