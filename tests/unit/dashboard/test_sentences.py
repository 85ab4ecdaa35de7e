"""The sentence about a chart names expressions and coverage, and compares only covered times."""

from dataclasses import replace
from datetime import timedelta

import pytest

from analytics.history.measures import Measures, combine, measures_from_sums
from contracts.expressions import UNCERTAIN
from dashboard.trends.charts.gaps import common_gaps, longest_gap_s
from dashboard.trends.texts.sentences import ChartFacts, sentence
from tests.unit.dashboard.buckets import BEGIN, buckets, seen

HOUR = 3600.0
NOW = seen(0.87 * HOUR, neutral=62, happy=18, sad=11, **{UNCERTAIN: 9})
BEFORE = seen(0.8 * HOUR, neutral=75, happy=15, **{UNCERTAIN: 10})


def text_of(
    now: Measures = NOW,
    before: Measures = BEFORE,
    gap_s: float = 3 * HOUR,
    before_s: float = HOUR,
) -> str:
    return sentence(ChartFacts("door", now, before, HOUR, before_s, gap_s, 60))


def test_the_most_frequent_expression_comes_first() -> None:
    assert text_of() == (
        "door: mostly neutral (62 % of 100 person-seconds), happy 18 % (+3 points); "
        "9 % uncertain; 87 % covered; longest gap 3 h."
    )


def test_below_half_it_is_most_often_and_not_mostly() -> None:
    assert text_of(seen(HOUR, neutral=4, happy=3, sad=3)).startswith(
        "door: most often neutral (40 %"
    )


@pytest.mark.parametrize(
    ("now_s", "before_s", "compared"),
    [(2200, 2200, True), (2100, 3600, False), (3600, 2100, False)],
)
def test_a_time_covered_below_60_percent_is_not_compared(
    now_s: float, before_s: float, compared: bool
) -> None:
    text = text_of(seen(now_s, neutral=3, happy=1), seen(before_s, neutral=1, happy=1))
    assert ("(−25 points)" in text) == compared


def test_a_much_shorter_time_is_not_compared() -> None:
    before = seen(1400, neutral=1, happy=1)
    assert "point" in text_of(before=before, before_s=0.6 * HOUR)
    assert "point" not in text_of(before=before, before_s=1400)
    assert "point" not in text_of(before=seen(0), before_s=0)


def test_a_time_without_faces_is_not_compared() -> None:
    assert "point" not in text_of(before=seen(HOUR))


def test_the_sentence_names_the_longest_gap_or_that_there_is_none() -> None:
    assert text_of(measures_from_sums({})) == "door: nothing was analysed in this range."
    for gap_s in (0, 59):
        assert "no gap of 1 min or longer" in text_of(gap_s=gap_s)


def test_no_faces_are_not_neutral() -> None:
    assert text_of(seen(0.9 * HOUR)) == "door: nobody was seen; 90 % covered; longest gap 3 h."


def test_the_sentence_says_what_was_left_out() -> None:
    found = replace(NOW, static_s=1200.0, tentative_s=0.4, tentative_tracks=2)
    assert text_of(found).endswith(
        "; left out: 20 person-minutes of still faces, 2 faces seen in one frame only."
    )
    only = replace(seen(0.9 * HOUR), static_s=1200.0)
    assert text_of(only).startswith("door: nobody was seen; ")
    assert text_of(only).endswith("; left out: 20 person-minutes of still faces.")


def test_uncertain_comes_first_if_it_is_the_most_frequent() -> None:
    text = text_of(seen(HOUR, neutral=1, **{UNCERTAIN: 3}))
    assert text.startswith("door: mostly uncertain (75 %") and "% uncertain" not in text
    assert text_of(seen(HOUR, **{UNCERTAIN: 3})).startswith(
        "door: mostly uncertain (100 % of 3 person-seconds); 100 % covered"
    )


def test_combined_measures_are_the_sum_of_all_sources() -> None:
    both = combine([NOW, BEFORE])
    assert both.total_s == 200 and both.person_s["neutral"] == 137
    assert both.analyzed_s == NOW.analyzed_s + BEFORE.analyzed_s
    assert both.probabilities is not None
    assert sum(both.probabilities.values()) == pytest.approx(1)
    assert both.probabilities["happy"] == pytest.approx(33 / 200)
    assert combine([]).is_gap() and combine([]).probabilities is None


def test_the_longest_gap_ends_where_the_range_does() -> None:
    steps = buckets(None, {"happy": 1}, None, None, None)
    until = BEGIN + timedelta(hours=4.5)
    assert longest_gap_s(steps, BEGIN, until) == 2.5 * HOUR
    assert longest_gap_s(steps[:2], BEGIN + timedelta(minutes=45), until) == 900
    assert longest_gap_s(steps[1:2], BEGIN, until) == 0


def test_a_bucket_without_expected_time_is_not_a_gap() -> None:
    steps = (*buckets(None, {"happy": 1}), *buckets(None, begin=BEGIN + timedelta(hours=2)))
    late = (replace(steps[0], expected_s=0), *steps[1:])
    until = BEGIN + timedelta(hours=2.5)
    assert longest_gap_s(steps, BEGIN, until) == HOUR
    assert longest_gap_s(late, BEGIN, until) == 1800
    assert common_gaps([late[:1], steps[:1]]) == [steps[0]]


def test_combined_series_have_a_gap_only_where_all_have_one() -> None:
    one, other = buckets(None, {"happy": 1}, None), buckets(None, None, {"sad": 1})
    assert [bucket.measures.is_gap() for bucket in common_gaps([one, other])] == [
        True,
        False,
        False,
    ]
