"""Fair share: workers end with nearly equal numbers of runs, whatever their order."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_worker.fair_share import largest_share, runs_to_release


@given(
    held=st.lists(st.integers(0, 30), min_size=1, max_size=8),
    waiting=st.integers(0, 30),
    seed=st.integers(0, 2**16),
)
def test_shares_differ_by_at_most_one_in_the_end(held: list[int], waiting: int, seed: int) -> None:
    chance, runs = random.Random(seed), sum(held) + waiting
    for _ in range(400):
        turn = chance.randrange(len(held))
        others = held[:turn] + held[turn + 1 :]
        while waiting and held[turn] < largest_share(runs, len(held)):
            held[turn] += 1
            waiting -= 1
        released = runs_to_release(held[turn], others, runs)
        held[turn] -= released
        waiting += released
    for turn in range(len(held)):
        while waiting and held[turn] < largest_share(runs, len(held)):
            held[turn] += 1
            waiting -= 1

    assert waiting == 0
    assert max(held) - min(held) <= 1


@pytest.mark.parametrize(
    ("held", "others", "runs", "expected"),
    [
        (3, [], 3, 0),
        (4, [0], 4, 2),
        (2, [2, 2, 0], 6, 1),
        (1, [2, 2, 1], 6, 0),
        (2, [2, 1, 1], 6, 0),
    ],
)
def test_runs_to_release(held: int, others: list[int], runs: int, expected: int) -> None:
    assert runs_to_release(held, others, runs) == expected
