"""Reports on times, exports, uploads and databases: what is stored and shown."""

import csv
import threading
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final

import pandas as pd
import pytest
from sqlalchemy import Engine, insert, select

from analytics.export.exporter import csv_text, export_records
from analytics.export.record_pages import Selection
from analytics.history.local_time import bucket_begins
from contracts.errors import DatabaseError, UploadError
from contracts.parsing.setting_values import parse_time_zone
from ingest.files.capture_time import BaseTimeOrigin, FileTimes
from ingest.files.discovery import NotRead, Recording, discover
from ingest.files.source import FileSource
from ingest.live.clock import LiveClock
from records.database import open_engine, reading, transaction
from records.rollups.windows import DAY_S, HOUR_S
from records.schema import upgrade
from records.tables.sources import Source
from records.uploads.uploads import Uploads
from tests.media import VideoSpec, steady, write_video
from tests.rows import START, FaceSpec, write_run

FACE: Final = FaceSpec(1, "happy")


def row_of(text: Iterator[str]) -> dict[str, str]:
    (row,) = csv.DictReader("".join(text).splitlines())
    return row


@pytest.mark.parametrize(
    ("report", "source"),
    [
        ("hhurz/tableExport.jquery.plugin#230", "=cmd|' /C calc'!A0"),
        ("kafbat/kafka-ui#1992", "@SUM(1+1)*cmd|' /C calc'!A0"),
        ("Honguan/carbon-balance#53", "\t=1+1"),
    ],
)
def test_a_name_is_no_formula_in_a_spreadsheet(
    sqlite_engine: Engine, report: str, source: str
) -> None:
    write_run(sqlite_engine, "seen", {0: [FACE]}, source=source)
    assert row_of(csv_text(sqlite_engine, Selection()))["source"] == f"'{source}", report


def test_the_moments_of_a_parquet_file_keep_zone_and_microseconds(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    """dask/fastparquet#936 (1970), r-lib/nanoparquet#140 (no zone), hannes/miniparquet#11 (s)."""
    write_run(sqlite_engine, "seen", {1: [FACE]}, gap_ms=1)
    export_records(sqlite_engine, Selection(), tmp_path / "a.parquet")
    (moment,) = pd.read_parquet(tmp_path / "a.parquet")["captured_at"]
    assert moment == pd.Timestamp(START + timedelta(milliseconds=1))
    assert str(moment.tz) == "UTC"


def test_the_marks_of_numbers_do_not_depend_on_the_locale(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """winsiderss/systeminformer#1207: with another decimal mark the columns of a CSV shift."""
    monkeypatch.setattr("locale.localeconv", lambda: {"decimal_point": ","})
    write_run(sqlite_engine, "seen", {5: [FACE]})
    row = row_of(csv_text(sqlite_engine, Selection()))
    assert (float(row["media_time_s"]), None in row) == (0.5, False)


@pytest.mark.parametrize(
    ("report", "zone", "day", "hours"),
    [
        ("matomo-org/matomo#15754", "Europe/Berlin", datetime(2020, 3, 29), 23),
        ("matomo-org/matomo#9949", "America/Detroit", datetime(2016, 3, 13), 23),
        ("CenturyLinkCloud/mdw#764", "America/Denver", datetime(2019, 11, 3), 25),
        ("pvorb/npm-stat.com#83", "Europe/London", datetime(2019, 10, 27), 25),
        ("tomhollander/PowerwallCompanion#17", "Europe/Rome", datetime(2023, 10, 29), 25),
    ],
)
def test_no_hour_or_day_is_lost_or_doubled_where_clocks_change(
    report: str, zone: str, day: datetime, hours: int
) -> None:
    local = parse_time_zone(zone)
    begin, end = (
        (day + timedelta(days=days)).replace(tzinfo=local).astimezone(UTC) for days in (0, 1)
    )
    by_hour = bucket_begins(begin, end, HOUR_S, local)
    assert [two - one for one, two in pairwise(by_hour)] == [timedelta(hours=1)] * hours
    days = bucket_begins(begin - timedelta(days=2), end + timedelta(days=2), DAY_S, local)
    dates = [one.astimezone(local).date() for one in days]
    assert {two - one for one, two in pairwise(dates)} == {timedelta(days=1)}, report
    assert day.date() in dates


def test_a_zone_is_known_where_the_system_has_no_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    """satomic/copilot-usage-advanced-dashboard#16: small containers have no zone files."""
    known = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[])
    try:
        zoneinfo.ZoneInfo.clear_cache(only_keys=["America/Toronto"])
        noon = datetime(2026, 7, 1, 12, tzinfo=parse_time_zone("America/Toronto"))
    finally:
        zoneinfo.reset_tzpath(to=known)
    assert noon.utcoffset() == timedelta(hours=-4)


def test_the_time_of_an_android_video_is_its_end(tmp_path: Path) -> None:
    """photoprism/photoprism#1388: 20210623_145059.mp4 has 37 s and says 18:51:37, UTC."""
    spec = VideoSpec(
        metadata={"creation_time": "2021-06-23T18:51:37Z", "com.android.version": "11"},
        container_options={"movflags": "use_metadata_tags"},
    )
    write_video(tmp_path / "a.mp4", [0, 36_850_000], spec)
    with FileSource(tmp_path / "a.mp4", fps=None, max_side=64) as source:
        info = source.info
    assert info.duration_us is not None
    length = timedelta(microseconds=info.duration_us)
    times = FileTimes("a.mp4", info.creation_time, info.creation_is_end, START, length)
    base = times.base_time(now=START)
    assert base.origin is BaseTimeOrigin.CONTAINER_END
    assert abs(base.at - datetime(2021, 6, 23, 18, 51, 0, tzinfo=UTC)) < timedelta(seconds=1)


def test_a_clock_that_is_set_moves_the_next_frames_only() -> None:
    """evercam/ex_nvr#404: after NTP has set the clock, all later recordings have wrong times."""
    wall, monotonic = [100.0], [5.0]
    clock = LiveClock(lambda: wall[0], lambda: monotonic[0])
    before = clock.captured_at()
    wall[0], monotonic[0] = 1_800_000_001.0, 6.0
    after = clock.captured_at()
    assert (before.timestamp(), after.timestamp()) == (100.0, 1_800_000_001.0)
    assert clock.steps == 1


@pytest.mark.parametrize("suffix", ["part", "crdownload", "partial~"])
def test_a_file_that_is_still_written_is_left_out_until_it_has_its_name(
    tmp_path: Path, suffix: str
) -> None:
    """nosmokingbandit/Watcher3#216, olback/library-loader#53: files are taken before, or never."""
    write_video(tmp_path / "clip.mp4", steady(3), VideoSpec())
    part = (tmp_path / "clip.mp4").rename(tmp_path / f"clip.mp4.{suffix}")
    left_out: list[NotRead] = []
    assert not [one for one in discover([str(tmp_path)], left_out.append) if _is_found(one)]
    assert [one.path for one in left_out] == [str(part)]
    part.rename(tmp_path / "clip.mp4")
    (found,) = discover([str(tmp_path)])
    assert _is_found(found)


def _is_found(one: object) -> bool:
    return isinstance(one, Recording)


@pytest.fixture
def uploads(sqlite_engine: Engine, tmp_path: Path) -> Uploads:
    return Uploads(sqlite_engine, tmp_path / "uploads", max_bytes=1_000, kept_days=7)


def test_a_file_that_was_changed_is_not_resumed_with_its_old_begin(uploads: Uploads) -> None:
    """nextcloud/android#1454. The browser's mark has the time at which the file was changed."""
    begun = uploads.start("a.mp4", 10, "a.mp4 10 1000", "mara")
    uploads.append(begun.id, 0, b"old")
    changed = uploads.start("a.mp4", 10, "a.mp4 10 2000", "mara")
    assert (changed.id != begun.id, changed.received) == (True, 0)


def test_a_chunk_whose_answer_was_lost_is_not_added_twice(uploads: Uploads) -> None:
    """dropbox/dropbox-sdk-dotnet#118, moxiecode/plupload#702: offsets differ after a failure."""
    begun = uploads.start("a.mp4", 10, "mark", "mara")
    uploads.append(begun.id, 0, b"01234")
    with pytest.raises(UploadError, match="continue at byte 5"):
        uploads.append(begun.id, 0, b"01234")
    uploads.append(begun.id, 5, b"56789")
    assert begun.path.read_bytes() == b"0123456789"


def test_a_second_writer_waits_for_the_first(tmp_path: Path) -> None:
    """mauroz9/trainpicker#14, t8y2/dbx#6990: "database is locked", at once."""
    url = f"sqlite:///{tmp_path / 'moodline.db'}"
    first, second = open_engine(url), open_engine(url)
    upgrade(first)
    begun, errors = threading.Event(), []

    def write(engine: Engine, name: str) -> None:
        try:
            with transaction(engine) as connection:
                connection.execute(select(Source.id)).all()  # It reads before it writes.
                values = {"name": name, "kind": "file", "created_at": START}
                connection.execute(insert(Source).values(values))
                if name == "first":
                    begun.set()
                    other.join(0.2)  # The other waits meanwhile.
        except DatabaseError as exc:
            errors.append(exc)

    other = threading.Thread(target=lambda: (begun.wait(), write(second, "second")))
    other.start()
    write(first, "first")
    other.join()
    with reading(first) as connection:
        names = set(connection.execute(select(Source.name)).scalars())
    for engine in (first, second):
        engine.dispose()
    assert (names, errors) == ({"first", "second"}, [])
