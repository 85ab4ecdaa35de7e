"""The address is the page's state; whatever it holds, a view comes of it."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.history.source_selection import MOST_SOURCES
from dashboard.trends.view import (
    CUSTOM,
    LONGEST,
    PRESETS,
    Mode,
    View,
    moment,
    preset,
    range_trouble,
    read_view,
    write_view,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEYS = st.sampled_from(["from", "to", "zoom", "sources", "tags", "mode", "x", ""])
ENDS = st.sampled_from(
    ["now", "now-1h", "now-999999y", "9999-12-31T23:59-14:00", "0001-01-01", "%"]
)


def holds(query: str | None) -> View:
    """A view that can be shown; it is read again from what it is written as."""
    read = read_view(query, NOW, UTC)
    since, until = read.view.span(NOW)
    assert not range_trouble(since, until) and until - since <= LONGEST
    assert max(len(read.view.sources), len(read.view.tags)) <= MOST_SOURCES
    again = read_view(write_view(read.view), NOW, UTC)
    assert again.view == read.view and not again.notes
    for note in read.notes:
        assert note.isprintable() and len(note) < 300
    return read.view


@given(st.text())
def test_any_text_gives_a_view(query: str) -> None:
    holds(query)


@given(st.lists(st.tuples(KEYS, st.text() | ENDS), max_size=6), st.booleans())
def test_any_values_give_a_view(pairs: list[tuple[str, str]], escaped: bool) -> None:
    shown = [
        (key, quote(value, safe="", errors="replace") if escaped else value) for key, value in pairs
    ]
    holds("?" + "&".join(f"{key}={value}" for key, value in shown))


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=5, unique=True))
def test_any_names_come_back(names: list[str]) -> None:
    view = View("now-7d", "now", tuple(names), Mode.SECONDS, tags=tuple(reversed(names)))
    assert read_view(write_view(view), NOW, UTC).view == view


def test_an_empty_address_is_the_last_day_of_all_sources() -> None:
    for query in (None, "", "?"):
        read = read_view(query, NOW, UTC)
        assert read.view == View() and not read.notes
    assert View().span(NOW) == (NOW - timedelta(days=1), NOW)


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
def test_what_cannot_be_shown_falls_back_and_is_said(query: str) -> None:
    read = read_view(query, NOW, UTC)
    assert read.view == View() and len(read.notes) == 1


def test_presets_are_told_from_other_ranges() -> None:
    assert [preset(View(since=one)) for one in PRESETS.values()] == list(PRESETS.values())
    assert preset(View("now-2h")) == preset(View("now-1h", "2026-11-23T12:00Z")) == CUSTOM


def test_moments_are_utc_unless_they_say_otherwise() -> None:
    assert moment("2026-03-28T10:00", NOW) == datetime(2026, 3, 28, 10, tzinfo=UTC)
    assert moment("2026-03-28T10:00+02:00", NOW) == datetime(2026, 3, 28, 8, tzinfo=UTC)
    assert moment("now-90m", NOW) == NOW - timedelta(minutes=90)
    assert moment("now-١h", NOW) is None


def test_a_zoom_is_looked_at_and_its_range_stays_known() -> None:
    read = read_view("?from=now-7d&to=now&zoom=2026-11-20T08:00Z/2026-11-20T12:00Z", NOW, UTC)
    begin = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert read.view.span(NOW) == (begin, begin + timedelta(hours=4))
    assert read.view.whole(NOW) == (NOW - timedelta(days=7), NOW)
    assert preset(read.view) == "now-7d" and not read.view.follows
    assert read_view(write_view(read.view), NOW, UTC) == read
    bad = read_view("?zoom=2026-11-20/never", NOW, UTC)
    assert bad.view == View() and "zoom" in bad.notes[0]


def test_a_time_without_an_offset_is_of_the_viewers_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    read = read_view(
        "?from=2026-06-01&to=2026-11-20T08:30&zoom=2026-07-01T10:00/2026-07-01T12:00Z", NOW, berlin
    )
    assert read.view.whole(NOW) == (
        datetime(2026, 5, 31, 22, tzinfo=UTC),
        datetime(2026, 11, 20, 7, 30, tzinfo=UTC),
    )
    assert read.view.span(NOW) == (
        datetime(2026, 7, 1, 8, tzinfo=UTC),
        datetime(2026, 7, 1, 12, tzinfo=UTC),
    )
    assert read_view(write_view(read.view), NOW, UTC) == read, "a link means the same anywhere"
