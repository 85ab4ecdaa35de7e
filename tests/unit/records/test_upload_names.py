"""Safe file names of uploads."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from contracts.media_types import VIDEO_SUFFIXES
from records.uploads.names import safe_name


@given(st.text(max_size=300), st.sampled_from(VIDEO_SUFFIXES))
def test_a_safe_name_has_no_folders_or_special_characters(text: str, suffix: str) -> None:
    name = safe_name(text + suffix)
    assert name == Path(name).name and name not in {"", ".", ".."}
    assert name.endswith(suffix) and name.isprintable() and len(name) <= 120
    assert not set(name) & set("/\\<>&\"'%;|\0")
