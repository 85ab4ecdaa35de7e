"""limited_memory: what a block may add to the memory of its process."""

import resource
import sys

import numpy as np
import pytest

from contracts.errors import DecodingLimitError
from runtime.decoding.memory_limit import is_used_up, limited_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has this limit")

LARGE = 512 * 2**20


def test_more_memory_than_allowed_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(DecodingLimitError, match="more memory") as refused, limited_memory(64):
        np.empty(LARGE, np.uint8)
    assert "MOODLINE_DECODER_MEMORY_MB" in refused.value.line()


def test_the_limit_ends_with_its_block() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with limited_memory(64):
        assert is_used_up(LARGE)
        assert not is_used_up(0)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert np.empty(LARGE, np.uint8).size == LARGE
    assert not is_used_up(LARGE)
