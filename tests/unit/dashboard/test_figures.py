"""Figures: a gap has no bar, uncertain is hatched and on top, and the heights add up."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.history.timeline import Bucket
from contracts.expressions import EXPRESSIONS, UNCERTAIN
from dashboard.trends.charts.axis_clock import AxisClock, axis_clock
from dashboard.trends.charts.direct_labels import LINE_HEIGHT, spread
from dashboard.trends.charts.figure import timeline_figure
from dashboard.trends.charts.layout import COVERAGE, VALENCE, ChartData, Style
from dashboard.trends.charts.scale import scale_of
from dashboard.trends.marks.alert_marks import AlertMark
from dashboard.trends.tables import data_table
from dashboard.trends.view import Mode
from dashboard.web.palette import DARK, LIGHT, NO_COVERAGE, STACK
from records.markers import StoredMarker
from tests.unit.dashboard.buckets import BEGIN, buckets

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
STEPS = buckets(
    {"happy": 60, "neutral": 30, UNCERTAIN: 10}, None, None, {"sad": 40, "angry": 20}, {}
)


def drawn(steps: tuple[Bucket, ...] = STEPS, mode: Mode = Mode.SHARE, **style: Any) -> Any:
    """Return the figure, checked by plotly's classes: they raise for unknown properties."""
    full_style = Style(style.pop("palette", LIGHT), BERLIN, mode, **style)
    return go.Figure(made(steps, mode, full_style))


def made(steps: tuple[Bucket, ...], mode: Mode, style: Style) -> dict[str, Any]:
    return timeline_figure(ChartData(steps, 3600, steps[-1].end), scale_of([steps], mode), style)


def bars(figure: Any) -> dict[str, Any]:
    return {trace.name: trace for trace in figure.data}


def test_a_gap_has_no_bar_in_any_band_and_no_coverage_of_zero() -> None:
    traces = bars(drawn())
    for label in STACK:
        assert len(traces[label].x) == 2, "gaps and buckets without faces have no bar"
    assert list(traces[COVERAGE].x) == [
        "2026-10-24T12:00:00",
        "2026-10-24T15:00:00",
        "2026-10-24T16:00:00",
    ]
    assert list(traces[COVERAGE].y) == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("mode", list(Mode))
def test_a_figure_uses_only_trace_types_of_the_basic_bundle(mode: Mode) -> None:
    assert {trace.type for trace in drawn(STEPS, mode).data} <= {"bar", "scatter"}


def names(figure: Any) -> list[Any]:
    return [one for one in figure.layout.annotations if (one.name or "").startswith("label ")]


@pytest.mark.parametrize("mode", list(Mode))
def test_each_band_and_line_is_labelled_at_its_end(mode: Mode) -> None:
    steps = buckets({"sad": 10}, {"happy": 60, "neutral": 30, "fear": 1, UNCERTAIN: 40})
    figure = drawn(steps, mode)
    found = names(figure)
    texts = [one.text.rpartition(" ")[2] for one in found]
    if mode is Mode.LINES:
        assert set(texts) == set(STACK) and texts[-3:] == ["neutral", UNCERTAIN, "happy"]
    else:
        assert texts == ["happy", "neutral", UNCERTAIN], (
            "from the bottom; a very thin band has no label"
        )
    assert {one.x for one in found} == {"2026-10-24T14:00:00"}
    assert {one.font.color for one in found} == {LIGHT.text}, "no text in a label's colour"
    top = figure.layout.yaxis.range[1]
    assert all(0 <= one.y <= top for one in found)
    for lower, upper in pairwise(found):
        assert upper.y - lower.y >= LINE_HEIGHT * top * 0.999


def test_a_narrow_page_has_no_direct_labels() -> None:
    narrow, wide = drawn(narrow=True), drawn()
    assert not names(narrow) and narrow.layout.margin.r < wide.layout.margin.r
    assert not names(drawn(buckets(None, None)))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_labels_do_not_overlap_and_stay_in_the_plot(heights: list[float]) -> None:
    ordered = sorted(heights)
    found = spread(ordered)
    assert all(-1e-9 <= one <= 1 for one in found)
    assert all(upper - lower > LINE_HEIGHT - 1e-9 for lower, upper in pairwise(found))
    if all(upper - lower > LINE_HEIGHT for lower, upper in pairwise(ordered)):
        assert found == ordered


def test_adjoining_gaps_are_one_outlined_and_hatched_rectangle() -> None:
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


def test_shares_add_up_to_one_and_person_time_to_the_total() -> None:
    traces = bars(drawn())
    for place in range(2):
        assert sum(traces[label].y[place] for label in STACK) == pytest.approx(1)
    scale = scale_of([STEPS], Mode.SECONDS)
    traces = bars(drawn(mode=Mode.SECONDS))
    sums = [sum(traces[label].y[place] for label in STACK) for place in range(2)]
    assert [one * scale.unit_s for one in sums] == pytest.approx([100, 60])
    assert max(sums) < scale.top


def test_a_partial_bucket_is_lighter_and_has_a_note() -> None:
    steps = buckets({"happy": 1}, {"happy": 1}, partial=1, analyzed_s=3000)
    traces = bars(drawn(steps))
    whole, part = traces["happy"].marker.opacity
    assert part < whole == 1
    assert traces[COVERAGE].customdata[1].endswith("partly in range")


def test_a_partly_covered_bucket_is_partial_too() -> None:
    little, enough = (buckets({"happy": 60}, analyzed_s=seconds) for seconds in (2000, 2400))
    steps = (*little, replace(enough[0], begin=little[0].end, end=little[0].end + HOUR))
    traces = bars(drawn(steps))
    lighter, whole = traces["happy"].marker.opacity
    assert lighter < whole == 1
    assert traces[COVERAGE].customdata[0] == "56 %, partly covered"
    first, second = data_table(ChartData(steps, 3600, steps[-1].end), BERLIN).rows
    assert "(partly covered)" in first[0] and "(partly" not in second[0]
    assert "108 person-seconds" in first


def test_a_rate_does_not_depend_on_the_coverage() -> None:
    half, whole = buckets({"happy": 60}, analyzed_s=1800), buckets({"happy": 120}, analyzed_s=3600)
    tops = [scale_of([one], Mode.RATE) for one in (half, whole)]
    assert tops[0].top == tops[1].top and tops[0].name == "person-minutes per covered hour"
    heights = [bars(drawn(one, Mode.RATE))["happy"].y[0] for one in (half, whole)]
    assert heights == [2.0, 2.0]


def test_coverage_is_relative_to_the_expected_time() -> None:
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


def test_one_scale_fits_all_charts() -> None:
    small, large = buckets({"happy": 30}), buckets({"happy": 3000, "sad": 600})
    scale = scale_of([small, large], Mode.SECONDS)
    assert (scale.unit_s, scale.name) == (60, "person-minutes per step")
    assert scale.top >= 60
    assert scale_of([], Mode.SECONDS).top > 0
    share = scale_of([large], Mode.SHARE)
    assert (share.unit_s, share.name, share.top) == (1.0, "share of person-time", 1.0)


def test_the_scale_of_valence_shows_differences() -> None:
    low, high = (buckets({"happy": one, "neutral": 100 - one}, analyzed_s=3600) for one in (10, 40))
    ends = scale_of([low, high], Mode.SHARE).valence
    assert ends == pytest.approx((0.0, 0.4)), "0.08 and 0.32"
    assert scale_of([low], Mode.SHARE).valence == pytest.approx((0.0, 0.2)), "not only noise"
    assert scale_of([buckets(None)], Mode.SHARE).valence == (-1, 1)
    # What rests on little data does not stretch the axis: its mark stays at the edge.
    weak = buckets({"angry": 60}, analyzed_s=600)
    assert scale_of([low, high, weak], Mode.SHARE).valence == ends
    steps = (*low, *(replace(one, begin=one.end, end=one.end + HOUR) for one in weak))
    assert bars(drawn(steps))[f"{VALENCE}, little data"].y[1] == pytest.approx(0.0)


def test_coverage_is_a_thin_strip_while_it_is_whole() -> None:
    whole, partly = (buckets({"happy": 1}, analyzed_s=one) for one in (3600, 1800))
    heights = [drawn(one).layout.yaxis2.domain[1] for one in (whole, partly)]
    assert heights[0] < 0.05 < heights[1]
    assert drawn(partly).layout.yaxis2.tickvals == (0, 1)
    texts = [str(one.text) for one in drawn(partly).layout.annotations]
    assert "coverage: 50 %" in texts
    assert bars(drawn(partly))[COVERAGE].marker.color == (LIGHT.low_coverage,)


def test_beside_a_chart_that_misses_some_a_whole_one_keeps_its_thin_strip() -> None:
    whole, partly = (buckets({"happy": 1}, analyzed_s=one) for one in (3600, 1800))
    scale = scale_of([whole, partly], Mode.SHARE)
    style = Style(LIGHT, BERLIN, Mode.SHARE)
    layouts = [
        timeline_figure(ChartData(one, 3600, one[-1].end), scale, style)["layout"]
        for one in (whole, partly)
    ]
    assert [one["yaxis2"]["domain"][1] < 0.05 for one in layouts] == [True, False]
    assert layouts[0]["yaxis2"]["tickvals"] == [] and layouts[1]["yaxis2"]["tickvals"] == [0, 1]
    assert layouts[0]["yaxis"]["domain"] == layouts[1]["yaxis"]["domain"], "equally high stacks"


@pytest.mark.parametrize("mode", list(Mode))
def test_the_pointer_reads_person_time_valence_and_coverage_beside_expressions(mode: Mode) -> None:
    steps = buckets({"happy": 60, "sad": 60}, analyzed_s=3600)
    text = "<br>2 person-minutes, valence −0.02, 100 % covered"
    for only in ("", "happy"):
        texts = [one for trace in drawn(steps, mode, only=only).data for one in trace.customdata]
        assert sum(one.endswith(text) for one in texts) == 1


def test_dragging_on_a_touch_screen_scrolls_the_page() -> None:
    assert drawn(touch=True).layout.dragmode is False
    assert drawn().layout.dragmode == "zoom"


def test_the_repeated_hour_when_clocks_go_back_is_drawn_twice() -> None:
    night = buckets(*[{"happy": 1}] * 30)
    figure = drawn(night)
    places = bars(figure)["happy"].x
    assert len(set(places)) == len(places) == 30
    assert "UTC+01:00" in axis_clock(night, BERLIN, 3600).note
    assert axis_clock(night[:5], BERLIN, 3600).note == ""


def test_a_day_with_a_clock_change_is_as_wide_as_others() -> None:
    clock = axis_clock(STEPS, BERLIN, 86_400)
    midnight = BEGIN.replace(hour=22)  # The 25th begins in Berlin; it has 25 hours.
    ends = midnight.replace(day=25, hour=23)
    assert clock.width_ms(midnight, ends) == 86_400_000


def test_valence_is_a_line_through_buckets_with_enough_data() -> None:
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
    hollow = traces[f"{VALENCE}, little data"]
    assert hollow.y[1] == happy and hollow.y[0] is hollow.y[2] is None and hollow.y[3] is not None
    assert hollow.marker.symbol == "circle-open"


def test_the_weeks_before_are_dashed_lines_broken_by_gaps() -> None:
    steps = buckets({"happy": 60}, {"happy": 30, "sad": 30}, {"sad": 60})
    before = (steps[2].measures, None, steps[0].measures)
    style = Style(LIGHT, BERLIN, Mode.LINES)
    both = ChartData(steps, 3600, steps[-1].end, before)
    traces = bars(go.Figure(timeline_figure(both, scale_of([steps], Mode.LINES), style)))
    dashed = traces["happy before"]
    assert (list(dashed.y), dashed.line.dash) == ([0.0, None, 1.0], "dash")
    assert dashed.line.color == traces["happy"].line.color
    assert not [name for name in bars(drawn(steps, Mode.LINES)) if "before" in name]


def test_alerts_are_marked_where_they_fired() -> None:
    marks = [
        AlertMark(1, "door", "Angry <b>queue", BEGIN + HOUR / 2, "42 %"),
        AlertMark(1, "door", "Crowd", BEGIN + HOUR, "7"),
    ]
    data = ChartData(STEPS, 3600, STEPS[-1].end, alerts=marks)
    style = Style(LIGHT, BERLIN, Mode.SHARE)
    figure = go.Figure(timeline_figure(data, scale_of([STEPS], Mode.SHARE), style))
    trace = bars(figure)["alerts"]
    assert list(trace.x) == ["2026-10-24T12:30:00", "2026-10-24T13:00:00"]
    assert list(trace.customdata) == [
        "alert Angry &lt;b&gt;queue: 42 %",
        "alert Crowd: 7",
    ]
    assert "alerts" not in bars(drawn()), "a chart without alerts has no trace of them"


def test_markers_are_lines_and_bands_within_the_range() -> None:
    def marker(begin: datetime, end: datetime, text: str) -> StoredMarker:
        return StoredMarker(
            begin, end, text, key=1, marker_id=text, source=None, created_at=BEGIN, created_by="ana"
        )

    late = STEPS[-1].end + HOUR
    data = ChartData(
        STEPS,
        3600,
        STEPS[-1].end,
        markers=[
            marker(BEGIN - HOUR, late, "renovation"),
            marker(BEGIN + HOUR / 2, BEGIN + HOUR / 2, "new <i>menu</i> " + "x" * 400),
        ],
    )
    style = Style(LIGHT, BERLIN, Mode.SHARE)
    figure = go.Figure(timeline_figure(data, scale_of([STEPS], Mode.SHARE), style))
    trace = bars(figure)["markers"]
    assert list(trace.x) == ["2026-10-24T12:00:00", "2026-10-24T12:30:00"]
    assert trace.customdata[1].startswith("marker: new &lt;i&gt;menu&lt;/i&gt;")
    assert len(trace.customdata[1]) < 250
    (band,) = [one for one in figure.layout.shapes if one.opacity]
    (line,) = [one for one in figure.layout.shapes if one.type == "line"]
    assert (band.type, band.x0) == ("rect", "2026-10-24T12:00:00")
    assert band.x1 == AxisClock(BERLIN, "").position(STEPS[-1].end)
    assert (line.type, line.x0, line.x1) == ("line", "2026-10-24T12:30:00", "2026-10-24T12:30:00")
    assert "markers" not in bars(drawn()), "a chart without markers has no trace of them"
