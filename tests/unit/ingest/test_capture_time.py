"""Capture time: the start time of a recording, and its content hash."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from contracts.errors import SettingsError, SourceError
from ingest.files.capture_time import BaseTime, BaseTimeOrigin, FileTimes, base_time
from ingest.files.content_hash import read_content
from ingest.files.source import FileSource
from tests.media import VideoSpec, steady, write_video

GIVEN = datetime(2020, 1, 1, tzinfo=UTC)
HEADER = datetime(2021, 1, 1, tzinfo=UTC)
MTIME = datetime(2022, 1, 1, tzinfo=UTC)
NOW = datetime(2022, 1, 1, 0, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
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
    is_end: bool = False,
    duration: timedelta | None = HOUR,
    zone: tzinfo = UTC,
) -> BaseTime:
    return base_time(
        recorded_at=recorded_at,
        pattern=pattern,
        zone=zone,
        file=FileTimes(name, creation_time, is_end, MTIME, duration),
        now=NOW,
    )


def test_the_first_known_origin_is_used() -> None:
    name = "cam_20230405.mp4"
    named = datetime(2023, 4, 5, tzinfo=UTC)
    assert base(name, recorded_at=GIVEN, pattern=PATTERN) == BaseTime(
        GIVEN, BaseTimeOrigin.RECORDED_AT
    )
    assert base(name, pattern=PATTERN) == BaseTime(named, BaseTimeOrigin.PATTERN)
    assert base(name) == BaseTime(HEADER, BaseTimeOrigin.CONTAINER)
    assert base(name, creation_time=None) == BaseTime(MTIME - HOUR, BaseTimeOrigin.MTIME_END)
    unknown = base(name, creation_time=None, duration=None)
    assert unknown == BaseTime(MTIME, BaseTimeOrigin.MTIME)


def test_a_writer_that_stores_the_end_is_known_by_its_tags() -> None:
    ended = BaseTime(HEADER - HOUR, BaseTimeOrigin.CONTAINER_END)
    assert base(is_end=True) == ended
    assert base(is_end=True, duration=None).origin is BaseTimeOrigin.CONTAINER


@pytest.mark.parametrize(
    "created", [MTIME, NOW - HOUR + timedelta(minutes=2), datetime(2030, 1, 1, tzinfo=UTC)]
)
def test_a_container_time_that_ends_in_the_future_is_ignored(created: datetime) -> None:
    """Given the end of an hour, a local time as UTC, or a wrong clock, then mtime is right."""
    assert base(creation_time=created) == BaseTime(MTIME - HOUR, BaseTimeOrigin.MTIME_END)
    assert base(creation_time=NOW - HOUR).origin is BaseTimeOrigin.CONTAINER


def test_the_tags_of_android_are_read(tmp_path: Path) -> None:
    created = {"creation_time": "2024-05-06T07:08:09Z"}
    android = VideoSpec(
        metadata=created | {"com.android.version": "14"},
        container_options={"movflags": "use_metadata_tags"},
    )
    write_video(tmp_path / "phone.mp4", steady(5), android)
    write_video(tmp_path / "other.mp4", steady(5), VideoSpec(metadata=created))
    for name, is_end in (("phone.mp4", True), ("other.mp4", False)):
        with FileSource(tmp_path / name, fps=None, max_side=128) as source:
            assert source.info.creation_time == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
            assert source.info.creation_is_end is is_end


@pytest.mark.parametrize("name", ["cam.mp4", "cam_20231399.mp4"])
def test_a_name_without_a_valid_date_is_ignored(name: str) -> None:
    assert base(name, pattern=PATTERN).origin is BaseTimeOrigin.CONTAINER


def test_a_container_time_before_1990_is_ignored() -> None:
    early = datetime(1904, 1, 1, tzinfo=UTC)
    assert base(creation_time=early).origin is BaseTimeOrigin.MTIME_END


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


def test_a_name_without_an_offset_is_in_the_zone_of_the_command() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    summer, winter = "20230705_060708.mp4", "20230105_060708Z.mp4"
    assert base(summer, pattern=FULL, zone=berlin).at == datetime(2023, 7, 5, 4, 7, 8, tzinfo=UTC)
    assert base(winter, pattern=FULL, zone=berlin).at == datetime(2023, 1, 5, 6, 7, 8, tzinfo=UTC)


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
