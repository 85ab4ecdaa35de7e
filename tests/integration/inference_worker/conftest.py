"""A queued run for the worker's tests."""

import pytest
from sqlalchemy import Engine

from records.runs.queue import enqueue_file
from runtime.process_identity import claimant_name
from tests.rows import FILE_JOB


@pytest.fixture
def run_id(engine: Engine) -> str:
    me = claimant_name()
    with engine.begin() as connection:
        return enqueue_file(connection, FILE_JOB, claimant=me, lease_s=60, again=False).run_id
