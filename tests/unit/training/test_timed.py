"""Scores of video readings, for faces whose labels and times are known."""

import pytest

from contracts.expressions import UNCERTAIN
from contracts.geometry import Box
from training.scoring.timed import ClipEvidence, ClipScore, LabelledInterval, TimedFace

SECOND = 1_000_000


def faces(labels: str, track: int = 1, x: float = 10, confidence: float = 0.9) -> list[TimedFace]:
    """Half a second for each letter: h happy, n neutral, ? uncertain, a space: no face."""
    names = {"h": "happy", "n": "neutral", "s": "sad", "?": UNCERTAIN}
    return [
        TimedFace(
            i * SECOND // 2,
            SECOND // 2,
            track,
            names[letter],
            confidence,
            x,
            10,
            "neutral" if letter == "?" else names[letter],
            confidence,
        )
        for i, letter in enumerate(labels)
        if letter != " "
    ]


def interval(start_s: float, end_s: float, expression: str) -> LabelledInterval:
    return LabelledInterval(round(start_s * SECOND), round(end_s * SECOND), expression)


def score(labels: str, *intervals: LabelledInterval) -> ClipScore:
    evidence = ClipEvidence()
    evidence.add("clip", faces(labels), intervals)
    return evidence.score()


def test_time_is_compared_frame_by_frame() -> None:
    found = score("hhhn?nnn", interval(0, 2, "happy"), interval(2, 4, "neutral"))
    assert found.labelled_s == 4.0
    assert found.accuracy == 6 / 8
    assert found.uncertain == 1 / 8
    assert found.certain_accuracy == pytest.approx(6 / 7, abs=1e-4)
    assert found.recall == {"happy": 0.75, "neutral": 0.75}
    assert found.mean_recall == 0.75
    assert found.confusion["happy"] == pytest.approx(
        dict.fromkeys(found.confusion["happy"], 0.0) | {"happy": 1.5, "neutral": 0.5}
    )


def test_a_segment_is_read_as_what_it_shows_most() -> None:
    found = score("hhhnnn  ", interval(0, 2, "happy"), interval(2, 3, "sad"), interval(3, 4, "sad"))
    assert [one.read for one in found.segments] == ["happy", "neutral", ""]
    assert [one.share for one in found.segments] == [0.75, 0.0, 0.0]
    assert found.segments_right == pytest.approx(1 / 3, abs=1e-4)


def test_label_changes_are_counted_over_the_time_of_tracks() -> None:
    assert score("hnhn", interval(0, 2, "happy")).changes_per_minute == 90.0
    assert score("hhhh", interval(0, 2, "happy")).changes_per_minute == 0.0
    assert score("h?hh", interval(0, 2, "happy")).changes_per_minute == 60.0


def test_a_track_that_was_away_did_not_change_there() -> None:
    assert score("hh      nn", interval(0, 5, "happy")).changes_per_minute == 0.0


def test_episodes_are_right_where_their_time_is() -> None:
    found = score("hhhhnnhh", interval(0, 2, "happy"), interval(2, 4, "neutral"))
    assert (found.episodes, found.episodes_right) == (3, pytest.approx(2 / 3, abs=1e-4))


def test_a_long_track_does_not_hide_a_short_one() -> None:
    evidence = ClipEvidence()
    whole = interval(0, 100, "neutral")
    evidence.add("clip", faces("n" * 100, track=1, confidence=0.999), [whole])
    evidence.add("clip", faces("h", track=2, confidence=0.999), [whole])
    # The wrong track is one frame of 101, and half of the weight.
    assert evidence.score().ece == pytest.approx(0.5, abs=0.01)


def test_an_area_says_who_is_labelled() -> None:
    evidence = ClipEvidence()
    two = sorted(faces("hh", 1, x=10) + faces("nn", 2, x=90), key=lambda one: one.time_us)
    left, right = Box(0, 0, 50, 50), Box(50, 0, 50, 50)
    evidence.add(
        "clip",
        two,
        [LabelledInterval(0, SECOND, "happy", left), LabelledInterval(0, SECOND, "sad", right)],
    )
    found = evidence.score()
    assert found.recall == {"happy": 1.0, "sad": 0.0}
    assert found.tracks == 2


def test_clips_without_labelled_faces_score_nothing() -> None:
    found = score("", interval(0, 2, "happy"))
    assert (found.labelled_s, found.accuracy, found.ece, found.changes_per_minute) == (0, 0, 0, 0)
