"""How many runs a worker should hold, so that they are even over all that can do them. Pure."""

from collections.abc import Sequence


def most_to_hold(runs: int, workers: int) -> int:
    """The largest even share of `runs`."""
    return -(-runs // max(workers, 1))


def to_let_go(held: int, others: Sequence[int], runs: int) -> int:
    """How many of its runs a worker should release for the sake of the others.

    others: what each of the other workers holds. A share above the largest even one goes at
    once; one that is even for nobody, because another holds less than the smallest, goes singly.
    """
    workers = len(others) + 1
    above = held - most_to_hold(runs, workers)
    if above > 0:
        return above
    smallest = runs // workers
    return int(held > smallest and min(others, default=smallest) < smallest)
