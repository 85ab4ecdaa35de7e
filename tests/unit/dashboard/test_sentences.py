"""The computed sentence says what was seen, and how well; it compares only what is comparable."""

from dataclasses import replace
from datetime import timedelta

import pytest

from analytics.history.measures import Measures, combined, measures
from contracts.expressions import UNCERTAIN
from dashboard.trends.gaps import common_gaps, longest_gap_s
from dashboard.trends.sentences import Told, sentence
from dashboard.web.number_format import duration, percent, person_time, points
from tests.unit.dashboard.buckets import BEGIN, buckets, seen

HOUR = 3600.0
NOW = seen(0.87 * HOUR, neutral=62, happy=18, sad=11, **{UNCERTAIN: 9})
BEFORE = seen(0.8 * HOUR, neutral=75, happy=15, **{UNCERTAIN: 10})


def told(
    now: Measures = NOW,
    before: Measures = BEFORE,
    gap_s: float = 3 * HOUR,
    before_s: float = HOUR,
) -> str:
    return sentence(Told("door", now, before, HOUR, before_s, gap_s, 60))


def test_it_leads_with_what_was_expressed_most() -> None:
    assert told() == (
        "door: mostly neutral (62 % of 100 person-seconds), happy 18 % (+3 points); "
        "9 % uncertain; 87 % covered; longest gap 3 h."
    )


def test_less_than_half_is_not_mostly() -> None:
    assert told(seen(HOUR, neutral=4, happy=3, sad=3)).startswith("door: most often neutral (40 %")


@pytest.mark.parametrize(
    ("now_s", "before_s", "compared"),
    [(2200, 2200, True), (2100, 3600, False), (3600, 2100, False)],
)
def test_what_is_covered_less_than_60_percent_is_not_compared(
    now_s: float, before_s: float, compared: bool
) -> None:
    text = told(seen(now_s, neutral=3, happy=1), seen(before_s, neutral=1, happy=1))
    assert ("(−25 points)" in text) == compared


def test_a_time_that_is_much_shorter_is_not_compared() -> None:
    before = seen(1400, neutral=1, happy=1)
    assert "point" in told(before=before, before_s=0.6 * HOUR)
    assert "point" not in told(before=before, before_s=1400)
    assert "point" not in told(before=seen(0), before_s=0)


def test_it_compares_with_nothing_where_nobody_was_seen() -> None:
    assert "point" not in told(before=seen(HOUR))


def test_a_gap_is_said_and_so_is_that_there_is_none() -> None:
    assert told(measures({})) == "door: nothing was analysed in this range."
    for gap_s in (0, 59):
        assert "no gap of 1 min or longer" in told(gap_s=gap_s)


def test_nobody_is_not_neutral() -> None:
    assert told(seen(0.9 * HOUR)) == "door: nobody was seen; 90 % covered; longest gap 3 h."


def test_when_most_could_not_be_read_it_says_so_first() -> None:
    text = told(seen(HOUR, neutral=1, **{UNCERTAIN: 3}))
    assert text.startswith("door: mostly uncertain (75 %") and "% uncertain" not in text
    assert told(seen(HOUR, **{UNCERTAIN: 3})).startswith(
        "door: mostly uncertain (100 % of 3 person-seconds); 100 % covered"
    )


def test_sources_together_are_the_sum_of_each() -> None:
    both = combined([NOW, BEFORE])
    assert both.total_s == 200 and both.person_s["neutral"] == 137
    assert both.analyzed_s == NOW.analyzed_s + BEFORE.analyzed_s
    assert both.probabilities is not None
    assert sum(both.probabilities.values()) == pytest.approx(1)
    assert both.probabilities["happy"] == pytest.approx(33 / 200)
    assert combined([]).is_gap() and combined([]).probabilities is None


def test_the_longest_gap_ends_where_the_range_does() -> None:
    steps = buckets(None, {"happy": 1}, None, None, None)
    until = BEGIN + timedelta(hours=4.5)
    assert longest_gap_s(steps, BEGIN, until) == 2.5 * HOUR
    assert longest_gap_s(steps[:2], BEGIN + timedelta(minutes=45), until) == 900
    assert longest_gap_s(steps[1:2], BEGIN, until) == 0


def test_where_nothing_was_expected_nothing_is_missing() -> None:
    steps = (*buckets(None, {"happy": 1}), *buckets(None, begin=BEGIN + timedelta(hours=2)))
    late = (replace(steps[0], expected_s=0), *steps[1:])
    until = BEGIN + timedelta(hours=2.5)
    assert longest_gap_s(steps, BEGIN, until) == HOUR
    assert longest_gap_s(late, BEGIN, until) == 1800
    assert common_gaps([late[:1], steps[:1]]) == [steps[0]]


def test_together_there_is_a_gap_only_where_all_have_one() -> None:
    one, other = buckets(None, {"happy": 1}, None), buckets(None, None, {"sad": 1})
    assert [bucket.measures.is_gap() for bucket in common_gaps([one, other])] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0), "0 %"),
        (percent(0.001), "<1 %"),
        (percent(0.999), ">99 %"),
        (percent(1), "100 %"),
        (points(0.01), "+1 point"),
        (points(-0.031), "−3 points"),
        (points(0.001), "±0 points"),
        (duration(59), "59 s"),
        (duration(3600), "1 h"),
        (duration(5400), "90 min"),
        (duration(86_400), "1 day"),
        (duration(7 * 86_400), "7 days"),
        (person_time(0), "0 person-seconds"),
        (person_time(0.01), "<0.1 person-seconds"),
        (person_time(1), "1 person-second"),
        (person_time(2460), "41 person-minutes"),
        (person_time(9000), "2.5 person-hours"),
        (person_time(36_000_000), "10,000 person-hours"),
    ],
)
def test_amounts_read_well(shown: str, expected: str) -> None:
    assert shown == expected
