"""Percentages and media times as text."""

from analytics.runs.number_text import media_clock, percent


def test_shares_never_round_to_none_or_all() -> None:
    shares = (0, 0.001, 0.62, 0.996, 1)
    assert [percent(one) for one in shares] == ["0 %", "under 1 %", "62 %", "over 99 %", "100 %"]
    assert [media_clock(59.96, 0.5), media_clock(59.96), media_clock(3723)] == [
        "1:00.0",
        "1:00",
        "1:02:03",
    ]
