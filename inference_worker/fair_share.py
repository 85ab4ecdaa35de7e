"""Fair share: how many runs a worker should hold so that all workers hold about the same. Pure."""

from collections.abc import Sequence


def largest_share(runs: int, workers: int) -> int:
    """Return the most runs that one of `workers` holds when they are shared evenly."""
    return -(-runs // max(workers, 1))


def runs_to_release(held: int, others: Sequence[int], runs: int) -> int:
    """Return how many of its `held` runs a worker should release.

    others: the runs that each other worker holds. Runs above the largest even share are released
    at once. A worker at that share releases one run if another worker holds less than the
    smallest even share.
    """
    workers = len(others) + 1
    excess = held - largest_share(runs, workers)
    if excess > 0:
        return excess
    smallest = runs // workers
    return int(held > smallest and min(others, default=smallest) < smallest)
