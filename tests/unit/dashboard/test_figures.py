"""Charts: a gap is no bar, uncertain is hatched and on top, and the heights add up."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.history.trends import Bucket
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from dashboard.trends.axis_clock import axis_clock
from dashboard.trends.direct_labels import APART, spread
from dashboard.trends.figure_layout import COVERAGE, VALENCE, Drawn, Scale, Style
from dashboard.trends.figures import redrawn, scale_of, timeline_figure
from dashboard.trends.tables import data_table
from dashboard.trends.view import Mode
from dashboard.web.palette import DARK, LIGHT, NO_COVERAGE, STACK
from tests.unit.dashboard.buckets import BEGIN, buckets

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
STEPS = buckets(
    {"happy": 60, "neutral": 30, UNCERTAIN: 10}, None, None, {"sad": 40, "angry": 20}, {}
)


def drawn(steps: tuple[Bucket, ...] = STEPS, mode: Mode = Mode.SHARE, **style: Any) -> Any:
    """Checked by plotly's own classes, which raise for what plotly.js does not know."""
    look = Style(style.pop("palette", LIGHT), BERLIN, mode, **style)
    return go.Figure(made(steps, mode, look))


def made(steps: tuple[Bucket, ...], mode: Mode, look: Style) -> dict[str, Any]:
    return timeline_figure(Drawn(steps, 3600, steps[-1].end), scale_of([steps], mode), look)


def bars(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def test_a_gap_has_no_bar_in_any_band_and_no_coverage_of_zero() -> None:
    traces = bars(drawn())
    for label in STACK:
        assert len(traces[label].x) == 2, "neither the gaps, nor where nobody was, has a bar"
    assert list(traces[COVERAGE].x) == [
        "2026-10-24T12:00:00",
        "2026-10-24T15:00:00",
        "2026-10-24T16:00:00",
    ]
    assert list(traces[COVERAGE].y) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_figure_is_made_of_what_the_basic_bundle_draws(mode: Mode) -> None:
    assert {trace.type for trace in drawn(STEPS, mode).data} <= {"bar", "scatter"}


def names(figure: Any) -> list[Any]:
    return [one for one in figure.layout.annotations if (one.name or "").startswith("label ")]


@pytest.mark.parametrize("mode", list(Mode))
def test_each_band_and_line_is_named_at_its_end(mode: Mode) -> None:
    steps = buckets({"sad": 10}, {"happy": 60, "neutral": 30, "fear": 1, UNCERTAIN: 40})
    figure = drawn(steps, mode)
    found = names(figure)
    said = [one.text.rpartition(" ")[2] for one in found]
    if mode is Mode.LINES:
        assert set(said) == set(STACK) and said[-3:] == ["neutral", UNCERTAIN, "happy"]
    else:
        assert said == ["happy", "neutral", UNCERTAIN], "from the bottom; a sliver has no name"
    assert {one.x for one in found} == {"2026-10-24T14:00:00"}
    assert {one.font.color for one in found} == {LIGHT.text}, "no text in a band's colour"
    top = figure.layout.yaxis.range[1]
    assert all(0 <= one.y <= top for one in found)
    for lower, upper in pairwise(found):
        assert upper.y - lower.y >= APART * top * 0.999


def test_a_telephone_has_the_legend_instead_of_names() -> None:
    narrow, wide = drawn(narrow=True), drawn()
    assert not names(narrow) and narrow.layout.margin.r < wide.layout.margin.r
    assert not names(drawn(buckets(None, None)))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_names_keep_apart_and_within(heights: list[float]) -> None:
    ordered = sorted(heights)
    found = spread(ordered)
    assert all(-1e-9 <= one <= 1 for one in found)
    assert all(upper - lower > APART - 1e-9 for lower, upper in pairwise(found))
    if all(upper - lower > APART for lower, upper in pairwise(ordered)):
        assert found == ordered


def test_adjoining_gaps_are_one_outlined_and_hatched_place() -> None:
    figure = drawn()
    missing = bars(figure)[NO_COVERAGE]
    assert (list(missing.x), list(missing.width)) == (["2026-10-24T13:00:00"], [7_200_000])
    assert missing.marker.pattern.shape == "x"
    (outline,) = figure.layout.shapes
    assert (outline.x0, outline.x1) == ("2026-10-24T13:00:00", "2026-10-24T15:00:00")
    assert outline.line.dash == "dot"


def test_uncertain_is_hatched_and_on_top() -> None:
    figure = drawn()
    names = [trace.name for trace in figure.data if trace.name in STACK]
    assert names[-1] == UNCERTAIN and set(names) == {*EXPRESSIONS, UNCERTAIN}
    patterns = {
        trace.name: trace.marker.pattern.shape for trace in figure.data if trace.type == "bar"
    }
    assert {label for label in STACK if patterns[label]} == {UNCERTAIN}
    assert patterns[UNCERTAIN] == "/"


def test_shares_add_up_to_one_and_person_time_to_what_was_seen() -> None:
    traces = bars(drawn())
    for place in range(2):
        assert sum(traces[label].y[place] for label in STACK) == pytest.approx(1)
    scale = scale_of([STEPS], Mode.SECONDS)
    traces = bars(drawn(mode=Mode.SECONDS))
    sums = [sum(traces[label].y[place] for label in STACK) for place in range(2)]
    assert [one * scale.unit_s for one in sums] == pytest.approx([100, 60])
    assert max(sums) < scale.top


def test_a_partial_step_is_lighter_and_says_so() -> None:
    steps = buckets({"happy": 1}, {"happy": 1}, partial=1, analyzed_s=3000)
    traces = bars(drawn(steps))
    whole, part = traces["happy"].marker.opacity
    assert part < whole == 1
    assert traces[COVERAGE].customdata[1].endswith("partly in range")


def test_a_step_that_was_covered_too_little_is_partial_too() -> None:
    little, enough = (buckets({"happy": 60}, analyzed_s=seconds) for seconds in (2000, 2400))
    steps = (*little, replace(enough[0], begin=little[0].end, end=little[0].end + HOUR))
    traces = bars(drawn(steps))
    lighter, whole = traces["happy"].marker.opacity
    assert lighter < whole == 1
    assert traces[COVERAGE].customdata[0] == "56 %, partly covered"
    table = data_table(Drawn(steps, 3600, steps[-1].end), BERLIN).to_plotly_json()
    rows = [str(row) for row in table["props"]["children"][1].children]
    assert "(partly covered)" in rows[0] and "(partly" not in rows[1]
    assert "108 person-seconds" in rows[0]


def test_a_rate_is_not_lowered_by_what_was_not_covered() -> None:
    half, whole = buckets({"happy": 60}, analyzed_s=1800), buckets({"happy": 120}, analyzed_s=3600)
    tops = [scale_of([one], Mode.RATE) for one in (half, whole)]
    assert tops[0] == tops[1] and tops[0].name == "person-minutes per covered hour"
    heights = [bars(drawn(one, Mode.RATE))["happy"].y[0] for one in (half, whole)]
    assert heights == [2.0, 2.0]


def test_a_step_is_covered_by_as_much_of_it_as_was_expected() -> None:
    for expected_s, covered in ((3600, 0.25), (1800, 0.5), (900, 1), (600, 1), (0, 1)):
        (step,) = buckets({"happy": 1}, analyzed_s=900, expected_s=expected_s)
        assert step.coverage == covered
        mark = "partly covered" in bars(drawn((step,)))[COVERAGE].customdata[0]
        assert mark == (covered < 0.6)
    (gap,) = buckets(None, expected_s=0)
    assert gap.coverage == 0


def test_each_theme_has_its_colours() -> None:
    for palette in (LIGHT, DARK):
        traces = bars(drawn(palette=palette))
        assert {label: traces[label].marker.color for label in STACK} == dict(palette.labels)


def test_one_scale_holds_all_charts() -> None:
    small, large = buckets({"happy": 30}), buckets({"happy": 3000, "sad": 600})
    scale = scale_of([small, large], Mode.SECONDS)
    assert (scale.unit_s, scale.name) == (60, "person-minutes per step")
    assert scale.top >= 60
    assert scale_of([], Mode.SECONDS).top > 0
    assert scale_of([large], Mode.SHARE) == Scale(1.0, "share of person-time", 1.0)


def test_a_finger_scrolls_the_page() -> None:
    assert drawn(touch=True).layout.dragmode is False
    assert drawn().layout.dragmode == "zoom"


def test_what_is_redrawn_leaves_the_zoom_alone() -> None:
    figure = made(STEPS, Mode.SHARE, Style(LIGHT, BERLIN, Mode.SHARE))
    operations = redrawn(figure).to_plotly_json()["operations"]
    places = [tuple(one["location"]) for one in operations]
    assert ("data",) in places and ("layout", "shapes") in places
    assert ("layout", "xaxis") not in places
    assert not [
        place for place in places if place[-1] in {"autorange", "range"} and "xaxis" in place
    ]


def test_the_hour_that_comes_twice_is_drawn_twice() -> None:
    night = buckets(*[{"happy": 1}] * 30)
    figure = drawn(night)
    places = bars(figure)["happy"].x
    assert len(set(places)) == len(places) == 30
    assert "UTC+01:00" in axis_clock(night, BERLIN, 3600).note
    assert axis_clock(night[:5], BERLIN, 3600).note == ""


def test_a_day_on_which_the_clocks_change_is_as_wide_as_any() -> None:
    clock = axis_clock(STEPS, BERLIN, 86_400)
    midnight = BEGIN.replace(hour=22)  # The 25th begins in Berlin: it has 25 hours.
    ends = midnight.replace(day=25, hour=23)
    assert clock.width_ms(midnight, ends) == 86_400_000


def test_valence_is_a_line_through_what_was_seen_well_enough() -> None:
    well, little = (buckets({"happy": 60}, analyzed_s=seconds)[0] for seconds in (3600, 600))
    unsure = buckets({"happy": 10, UNCERTAIN: 60}, analyzed_s=3600)[0]
    gap = buckets(None)[0]
    steps = tuple(
        replace(one, begin=BEGIN + place * HOUR, end=BEGIN + (place + 1) * HOUR)
        for place, one in enumerate((well, little, gap, unsure, well))
    )
    traces = bars(drawn(steps))
    happy = pytest.approx(0.8025)
    assert list(traces[VALENCE].y) == [happy, None, None, None, happy]
    assert traces[VALENCE].connectgaps is False
    hollow = traces[f"{VALENCE}, of little"]
    assert hollow.y[1] == happy and hollow.y[0] is hollow.y[2] is None and hollow.y[3] is not None
    assert hollow.marker.symbol == "circle-open"


def test_the_weeks_before_are_dashed_and_a_gap_breaks_them() -> None:
    steps = buckets({"happy": 60}, {"happy": 30, "sad": 30}, {"sad": 60})
    before = (steps[2].measures, None, steps[0].measures)
    look = Style(LIGHT, BERLIN, Mode.LINES)
    both = Drawn(steps, 3600, steps[-1].end, before)
    traces = bars(go.Figure(timeline_figure(both, scale_of([steps], Mode.LINES), look)))
    dashed = traces["happy before"]
    assert (list(dashed.y), dashed.line.dash) == ([0.0, None, 1.0], "dash")
    assert dashed.line.color == traces["happy"].line.color
    assert not [name for name in bars(drawn(steps, Mode.LINES)) if "before" in name]
