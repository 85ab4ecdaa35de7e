"""Data that is not part of the project: clips, photographs and weights in the folder TEST_DATA."""

import os
from pathlib import Path

from tests.requirements import lacking


def test_data(name: str) -> Path:
    """Return the file of that name; without it, the test is skipped."""
    path = Path(os.environ.get("TEST_DATA", "")) / name
    if not os.environ.get("TEST_DATA") or not path.exists():
        lacking("data", f"needs {name} in the folder TEST_DATA")
    return path


test_data.__test__ = False  # type: ignore[attr-defined]
