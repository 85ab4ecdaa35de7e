"""Capture time: the start time of a recording, and its content hash."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from contracts.errors import SettingsError, SourceError
from ingest.files.capture_time import BaseTime, BaseTimeOrigin, base_time
from ingest.files.content_hash import read_content

GIVEN = datetime(2020, 1, 1, tzinfo=UTC)
HEADER = datetime(2021, 1, 1, tzinfo=UTC)
MTIME = datetime(2022, 1, 1, tzinfo=UTC)
PATTERN = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
FULL = (
    PATTERN + r"_(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
    r"(\.(?P<microsecond>\d+))?(?P<offset>Z|[+-]\d\d:?\d\d)?"
)


def base(
    name: str = "cam.mp4",
    *,
    recorded_at: datetime | None = None,
    pattern: str | None = None,
    creation_time: datetime | None = HEADER,
) -> BaseTime:
    return base_time(
        recorded_at=recorded_at,
        pattern=pattern,
        file_name=name,
        creation_time=creation_time,
        mtime=MTIME,
    )


def test_the_first_known_origin_is_used() -> None:
    name = "cam_20230405.mp4"
    named = datetime(2023, 4, 5, tzinfo=UTC)
    assert base(name, recorded_at=GIVEN, pattern=PATTERN) == BaseTime(
        GIVEN, BaseTimeOrigin.RECORDED_AT
    )
    assert base(name, pattern=PATTERN) == BaseTime(named, BaseTimeOrigin.PATTERN)
    assert base(name) == BaseTime(HEADER, BaseTimeOrigin.CONTAINER)
    assert base(name, creation_time=None) == BaseTime(MTIME, BaseTimeOrigin.MTIME)


@pytest.mark.parametrize("name", ["cam.mp4", "cam_20231399.mp4"])
def test_a_name_without_a_valid_date_is_ignored(name: str) -> None:
    assert base(name, pattern=PATTERN).origin is BaseTimeOrigin.CONTAINER


def test_a_container_time_before_1990_is_ignored() -> None:
    early = datetime(1904, 1, 1, tzinfo=UTC)
    assert base(creation_time=early).origin is BaseTimeOrigin.MTIME


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20230405_060708.mp4", datetime(2023, 4, 5, 6, 7, 8, tzinfo=UTC)),
        ("20230405_060708.25.mp4", datetime(2023, 4, 5, 6, 7, 8, 250_000, tzinfo=UTC)),
        ("20230405_060708+0200.mp4", datetime(2023, 4, 5, 4, 7, 8, tzinfo=UTC)),
        ("20230405_060708-03:30.mp4", datetime(2023, 4, 5, 9, 37, 8, tzinfo=UTC)),
    ],
)
def test_times_in_file_names_become_utc(name: str, expected: datetime) -> None:
    assert base(name, pattern=FULL).at == expected


def test_times_given_by_the_user_become_utc() -> None:
    naive = datetime(2020, 1, 1, 12)
    ahead = datetime(2020, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert base(recorded_at=naive).at == datetime(2020, 1, 1, 12, tzinfo=UTC)
    assert base(recorded_at=ahead).at == datetime(2020, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("pattern", ["(", r"(?P<year>\d+)", PATTERN + r"(?P<era>AD)?"])
def test_an_invalid_pattern_is_refused_with_an_example(pattern: str) -> None:
    with pytest.raises(SettingsError) as caught:
        base(pattern=pattern)
    assert "(?P<year>" in caught.value.hint


def test_the_content_hash_depends_only_on_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert read_content(tmp_path / "a").digest == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    with pytest.raises(SourceError):
        read_content(tmp_path / "gone")
