"""Needs of some tests: without them they are skipped, or fail where they are required."""

import os
from typing import NoReturn

import pytest


def lacking(need: str, reason: str) -> NoReturn:
    """Skip the test, or fail it if TEST_REQUIRED names the need, as in CI ("browser,root")."""
    if need in os.environ.get("TEST_REQUIRED", "").split(","):
        pytest.fail(reason)
    pytest.skip(reason)
