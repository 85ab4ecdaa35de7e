"""The text columns that hold JSON: exact bytes out, typed values in."""

from datetime import timedelta, timezone

import pytest

from contracts.analysis_spec import AnalysisOptions
from records.json_columns import (
    FolderOptions,
    RunOptions,
    decode_audit_details,
    decode_drop_counts,
    decode_folder_options,
    decode_handled_files,
    decode_run_options,
    decode_tags,
    encode_audit_details,
    encode_drop_counts,
    encode_folder_options,
    encode_handled_files,
    encode_live_run_options,
    encode_tags,
)

ANALYSIS = AnalysisOptions(0.4, None, 24, 1280)


def test_a_live_run_stores_its_analysis_options_only() -> None:
    text = encode_live_run_options(ANALYSIS)
    assert text == (
        '{"analysis": {"smoothing_s": 0.4, "uncertain_below": null, "min_face_px": 24, '
        '"max_frame_side": 1280}}'
    )
    assert decode_run_options(text) == RunOptions(ANALYSIS)


def test_an_offset_with_seconds_is_decoded() -> None:
    text = (
        encode_live_run_options(ANALYSIS)[:-1] + ', "recorded_at": "1890-01-01T00:00:00+00:53:28"}'
    )
    recorded_at = decode_run_options(text).recorded_at
    assert recorded_at is not None
    assert recorded_at.tzinfo == timezone(timedelta(minutes=53, seconds=28))


def test_tags_keep_their_order() -> None:
    assert encode_tags(("front", "a")) == '["front", "a"]'
    assert decode_tags('["front", "a"]') == ("front", "a")
    assert decode_tags("[]") == ()


def test_drop_counts_are_sorted_and_an_empty_column_has_none() -> None:
    assert encode_drop_counts({"newest": 2, "corrupt": 1}) == '{"corrupt": 1, "newest": 2}'
    assert decode_drop_counts('{"corrupt": 1}') == {"corrupt": 1}
    assert decode_drop_counts("") == decode_drop_counts("{}") == {}


@pytest.mark.parametrize("rate", [5, 5.0, None])
def test_a_rate_keeps_its_type(rate: float | None) -> None:
    """It is part of a run's identity, where 5 and 5.0 differ."""
    text = encode_folder_options(FolderOptions(rate, "door"))
    decoded = decode_folder_options(text)
    assert decoded == FolderOptions(rate, "door")
    assert type(decoded.sampling_fps) is type(rate)


def test_handled_files_are_pairs_of_size_and_mtime() -> None:
    files = {"/videos/a.mp4": (10, 1_790_000_000_000_000_000)}
    text = encode_handled_files(files)
    assert text == '{"/videos/a.mp4": [10, 1790000000000000000]}'
    assert decode_handled_files(text) == files
    assert decode_handled_files("") == {}


def test_audit_details_are_restored() -> None:
    details = {"user": "mara", "rows": 3, "runs": ["a", "b"], "until": None}
    assert decode_audit_details(encode_audit_details(details)) == details


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}'])
def test_damaged_tags_raise_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        decode_tags(text)
