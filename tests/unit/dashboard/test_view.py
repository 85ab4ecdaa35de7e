"""The address is the state of the page Trends: every address gives a view."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.comparison.written_ranges import LONGEST_RANGE, parse_time, range_error
from analytics.history.source_selection import MAX_SOURCES
from dashboard.trends.address import read_view, write_view
from dashboard.trends.view import (
    CUSTOM,
    PRESETS,
    Mode,
    View,
    preset,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
KEYS = st.sampled_from(
    ["from", "to", "zoom", "compare", "rank", "sources", "tags", "mode", "x", ""]
)
ENDS = st.sampled_from(
    [
        "now",
        "now-1h",
        "now/d",
        "now-1d/d",
        "2026-11-02/2026-11-03",
        "now-999999y",
        "9999-12-31T23:59-14:00",
        "0001-01-01",
        "%",
    ]
)


def checked_view(query: str | None) -> View:
    """Check that the view can be shown, and that it is the same when written and read again."""
    read = read_view(query, NOW, UTC)
    since, until = read.view.span(NOW, UTC)
    assert not range_error(since, until) and until - since <= LONGEST_RANGE
    read.view.earlier((since, until), UTC)
    assert max(len(read.view.sources), len(read.view.tags)) <= MAX_SOURCES
    again = read_view(write_view(read.view), NOW, UTC)
    assert again.view == read.view and not again.notes
    for note in read.notes:
        assert note.isprintable() and len(note) < 300
    return read.view


@given(st.text())
def test_any_text_gives_a_view(query: str) -> None:
    checked_view(query)


@given(st.lists(st.tuples(KEYS, st.text() | ENDS), max_size=6), st.booleans())
def test_any_values_give_a_view(pairs: list[tuple[str, str]], escaped: bool) -> None:
    shown = [
        (key, quote(value, safe="", errors="replace") if escaped else value) for key, value in pairs
    ]
    checked_view("?" + "&".join(f"{key}={value}" for key, value in shown))


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=5, unique=True))
def test_any_names_survive_the_address(names: list[str]) -> None:
    view = View("now-7d", "now", tuple(names), Mode.SECONDS, tags=tuple(reversed(names)))
    assert read_view(write_view(view), NOW, UTC).view == view


def test_an_empty_address_is_the_last_day_of_all_sources() -> None:
    for query in (None, "", "?"):
        read = read_view(query, NOW, UTC)
        assert read.view == View(fits=True) and not read.notes
    assert View().span(NOW, UTC) == (NOW - timedelta(days=1), NOW)


def test_names_may_have_commas() -> None:
    read = read_view("?from=now-24h&to=now&sources=a%2Cb,c%20d,c+d&mode=share", NOW, UTC)
    assert read.view.sources == ("a,b", "c d")


@pytest.mark.parametrize(
    "query",
    [
        "?from=now&to=now-1h",
        "?from=yesterday",
        "?from=now-11y",
        "?from=2026-13-01&to=now",
        "?from=<script>alert(1)</script>",
        "?mode=pie",
        f"?tags={','.join(map(str, range(1001)))}",
        f"?sources={','.join(map(str, range(1001)))}",
        "?x=" + "y" * 70_000,
    ],
)
def test_an_invalid_part_gets_its_default_and_a_note(query: str) -> None:
    read = read_view(query, NOW, UTC)
    assert replace(read.view, fits=False) == View() and len(read.notes) == 1


def test_a_preset_is_recognised_and_other_ranges_are_custom() -> None:
    views = [View(*one.split("..")) for one in PRESETS.values()]
    assert [preset(one) for one in views] == list(PRESETS.values())
    assert preset(View("now-2h")) == preset(View("now-1h", "2026-11-23T12:00Z")) == CUSTOM


def test_a_time_without_an_offset_is_utc() -> None:
    assert parse_time("2026-03-28T10:00", NOW) == datetime(2026, 3, 28, 10, tzinfo=UTC)
    assert parse_time("2026-03-28T10:00+02:00", NOW) == datetime(2026, 3, 28, 8, tzinfo=UTC)
    assert parse_time("now-90m", NOW) == NOW - timedelta(minutes=90)
    assert parse_time("now-١h", NOW) is None


def test_a_zoom_is_shown_and_keeps_the_full_range() -> None:
    read = read_view("?from=now-7d&to=now&zoom=2026-11-20T08:00Z/2026-11-20T12:00Z", NOW, UTC)
    begin = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert read.view.span(NOW, UTC) == (begin, begin + timedelta(hours=4))
    assert read.view.full_range(NOW, UTC) == (NOW - timedelta(days=7), NOW)
    assert preset(read.view) == "now-7d..now" and not read.view.follows_now
    assert read_view(write_view(read.view), NOW, UTC) == read
    bad = read_view("?zoom=2026-11-20/never", NOW, UTC)
    assert bad.view == View(fits=True) and "zoom" in bad.notes[0]


@pytest.mark.parametrize(
    ("query", "hours"),
    [("from=now/d&to=now", 13), ("from=now-1d/d&to=now/d", 24), ("from=now/w", 13)],
)
def test_a_calendar_range_is_of_the_viewers_day(query: str, hours: int) -> None:
    """It is 13 o'clock of a Monday in Berlin."""
    read = read_view(query, NOW, BERLIN)
    since, until = read.view.span(NOW, BERLIN)
    assert until - since == timedelta(hours=hours) and not read.notes
    assert since.astimezone(BERLIN).hour == 0 and preset(read.view) != CUSTOM
    assert read_view(write_view(read.view), NOW, BERLIN) == read


def test_what_a_range_is_compared_with_is_in_the_address() -> None:
    for query, name in (
        ("from=now/d&to=now", "yesterday"),
        ("from=now-7d&to=now", "the week before"),
        ("from=now-7d&to=now&compare=weekday", "the same weekday a week before"),
        ("from=now-7d&compare=2026-11-01T23:00Z/2026-11-02T23:00Z", "2 Nov 2026"),
    ):
        view = read_view(query, NOW, BERLIN).view
        earlier = view.earlier(view.span(NOW, BERLIN), BERLIN)
        assert earlier is not None and earlier.name == name
        assert read_view(write_view(view), NOW, BERLIN).view == view
    view = read_view("from=now-7d&compare=none", NOW, BERLIN).view
    assert view.earlier(view.span(NOW, BERLIN), BERLIN) is None
    for wrong in ("2026-11-02/2026-11-01", "yesterday", "2026-11-02T10:00:01/2026-11-02T10:00:02"):
        read = read_view(f"compare={wrong}", NOW, BERLIN)
        assert read.view == View(fits=True)


def test_an_address_time_without_an_offset_is_in_the_viewers_zone() -> None:
    read = read_view(
        "?from=2026-06-01&to=2026-11-20T08:30&zoom=2026-07-01T10:00/2026-07-01T12:00Z", NOW, BERLIN
    )
    assert read.view.full_range(NOW, UTC) == (
        datetime(2026, 5, 31, 22, tzinfo=UTC),
        datetime(2026, 11, 20, 7, 30, tzinfo=UTC),
    )
    assert read.view.span(NOW, UTC) == (
        datetime(2026, 7, 1, 8, tzinfo=UTC),
        datetime(2026, 7, 1, 12, tzinfo=UTC),
    )
    assert read_view(write_view(read.view), NOW, UTC) == read, "a link means the same in every zone"
