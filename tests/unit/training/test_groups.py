"""Results by group, for readings whose differences are known."""

import numpy as np
import pytest

from training.scoring.groups import PhotographReadings, score_group, score_groups, wilson


def readings(groups: list[str], truth: list[int], right: list[bool]) -> PhotographReadings:
    n = len(truth)
    probs = np.full((n, 7), 0.01)
    read = [label if ok else (label + 1) % 7 for label, ok in zip(truth, right, strict=True)]
    probs[np.arange(n), read] = 0.94
    found = np.ones(n, bool)
    return PhotographReadings(probs, np.array(truth), found, found.copy(), {"age": groups})


def test_wilson_intervals_are_those_of_the_tables() -> None:
    # Newcombe 1998, table I: 81 of 263, and 0 of 20.
    found = wilson(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=2e-4)
    none = wilson(0, 20)
    assert (none.low, none.high) == pytest.approx((0.0, 0.1611), abs=2e-4)


def test_groups_that_differ_are_told_from_chance() -> None:
    n = 100
    same = readings(["a"] * n + ["b"] * n, [3] * 2 * n, ([True] * 8 + [False] * 2) * 20)
    table = score_groups("age", same)
    assert [one.group for one in table.groups] == ["a", "b"]
    assert table.p_accuracy > 0.5
    worse = readings(
        ["a"] * n + ["b"] * n, [3] * 2 * n, [True] * 90 + [False] * 10 + [True] * 60 + [False] * 40
    )
    table = score_groups("age", worse)
    assert table.p_accuracy < 0.01
    accuracies = [one.accuracy.value for one in table.groups if one.accuracy]
    assert accuracies == [0.9, 0.6]


def test_a_group_with_harder_expressions_is_not_blamed() -> None:
    """Both groups read happy at 100 % and fear at 0 %; they only have other shares of them."""
    truth = [3] * 90 + [2] * 10 + [3] * 10 + [2] * 90
    mixed = readings(["a"] * 100 + ["b"] * 100, truth, [label == 3 for label in truth])
    table = score_groups("age", mixed)
    assert [one.accuracy.value for one in table.groups if one.accuracy] == [0.9, 0.1]
    assert table.p_accuracy == 1.0


def test_a_face_that_is_not_found_is_counted_as_that_only() -> None:
    some = readings(["a"] * 4, [3, 3, 3, 6], [True, True, False, True])
    some.found[:] = [True, True, True, False]
    some.readable[:] = [True, False, True, False]
    found = score_group("all", some)
    assert found.found.value == 0.75
    assert found.accuracy is not None and found.accuracy.value == pytest.approx(2 / 3, abs=1e-4)
    assert found.uncertain is not None and found.uncertain.value == pytest.approx(1 / 3, abs=1e-4)
    assert found.certain_accuracy is not None and found.certain_accuracy.value == 0.5
    assert set(found.recall) == {"happy"}


def test_a_group_without_a_found_face_has_no_accuracy() -> None:
    some = readings(["a", "b"], [3, 3], [True, True])
    some.found[1] = False
    _, second = score_groups("age", some).groups
    assert second.accuracy is None and second.found.value == 0.0
