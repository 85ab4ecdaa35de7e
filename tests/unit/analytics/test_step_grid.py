"""The step grid of a run's timeline."""

from analytics.runs.summary_steps import StepGrid


def test_buckets_consist_of_the_widest_steps_that_fit() -> None:
    second = 1_000_000
    for span_s, most, expected in (
        (30, 120, (1, 1)),
        (600, 120, (1, 5)),
        (3600, 120, (10, 3)),
        (36_000, 120, (100, 3)),
        (36_000, 400, (10, 9)),
        (86_400, 400, (100, 3)),
    ):
        grid = StepGrid.over(span_s * second, most)
        assert (grid.width_s, grid.steps) == expected
        assert grid.width_us * most >= span_s * second
