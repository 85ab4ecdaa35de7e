"""CentredReading: final labels from frames before and after, in batches, restarts and gaps."""

import json
from collections.abc import Sequence

import pytest

from contracts.expressions import EXPRESSIONS
from contracts.frame_results import FaceResult, FrameResult, LabelRevision
from contracts.geometry import Box
from inference_worker.faces.readings.centred import SLOT_US, CentredReading

FPS = 25
WINDOW_S = 2.0


def label(probabilities: Sequence[float]) -> str | None:
    best = max(probabilities)
    return EXPRESSIONS[list(probabilities).index(best)] if best >= 0.5 else None


def frame(
    number: int, *labels: str | None, time_us: int | None = None, track: int = 1
) -> FrameResult:
    """A frame with a face of each label; None is one that cannot be read."""
    faces = []
    for place, one in enumerate(labels):
        shares = tuple(0.94 if name == one else 0.01 for name in EXPRESSIONS)
        quality = 0.05 if one is None else 0.9
        box = Box(0, 0, 50, 50)
        faces.append(FaceResult(track + place, box, shares, one, 0.94, one, 0.94, quality))
    at_us = number * 1_000_000 // FPS if time_us is None else time_us
    return FrameResult(number + 1, number, at_us, at_us, 40, tuple(faces), True)


def read(frames: Sequence[FrameResult], window_s: float = WINDOW_S) -> list[LabelRevision]:
    reading = CentredReading(window_s, label)
    found = [one for each in frames for one in reading.add(each)]
    return found + list(reading.finish())


def labels_of(found: Sequence[LabelRevision], track: int = 1) -> list[str | None]:
    return [one.smoothed_emotion for one in found if one.track_id == track]


def clip(text: str, repeat: int = 5) -> list[FrameResult]:
    """A frame for each letter, `repeat` times: h happy, n neutral, ? unreadable, space: nobody."""
    names = {"h": ["happy"], "n": ["neutral"], "?": [None], " ": []}
    letters = [letter for letter in text for _ in range(repeat)]
    return [frame(number, *names[letter]) for number, letter in enumerate(letters)]


def test_every_face_becomes_final_once_and_in_order() -> None:
    frames = clip("nnnnnhhhhhnnnnnhn")
    found = read(frames)
    assert [(one.frame_index, one.track_id) for one in found] == [
        (each.frame_index, 1) for each in frames
    ]


def test_a_label_is_final_when_half_a_window_has_passed() -> None:
    reading = CentredReading(WINDOW_S, label)
    frames = clip("n" * 20)
    for number, each in enumerate(frames):
        for one in reading.add(each):
            waited_us = each.media_time_us - frames[one.frame_index].media_time_us
            assert waited_us >= WINDOW_S / 2 * 1e6 - SLOT_US
            assert waited_us <= WINDOW_S / 2 * 1e6 + 2 * SLOT_US, number
    assert len(reading.finish()) <= (WINDOW_S / 2 + 0.3) * FPS


def test_a_short_flicker_is_not_a_label() -> None:
    assert set(labels_of(read(clip("nnnnnnnhnnnnnnnhnnnn")))) == {"neutral"}


def test_an_onset_stays_where_it_is() -> None:
    found = labels_of(read(clip("n" * 15 + "h" * 15)))
    assert found.index("happy") == pytest.approx(75, abs=4)
    assert set(found[:70]) == {"neutral"} and set(found[80:]) == {"happy"}


def test_a_face_that_cannot_be_read_takes_the_label_around_it_for_a_second() -> None:
    found = read(clip("nnnnn???nnnnn"))
    assert len(found) == 65 and set(labels_of(found)) == {"neutral"}
    # Unreadable for long: most of its faces keep having no label.
    found = read(clip("nnnnn" + "?" * 30))
    assert 25 + 25 <= len(found) <= 25 + 25 + 8


def test_tracks_are_read_apart() -> None:
    found = read([frame(number, "happy", "sad") for number in range(60)])
    assert set(labels_of(found, 1)) == {"happy"} and set(labels_of(found, 2)) == {"sad"}


@pytest.mark.parametrize("every", [1, 7])
def test_labels_do_not_depend_on_restarts(every: int) -> None:
    frames = clip("nnnhnn??hhhhhhhh  nnnnn??????????nh")
    expected, found, state = read(frames), [], None
    for first in range(0, len(frames), every):
        reading = CentredReading(WINDOW_S, label)
        if state is not None:
            reading.restore(json.loads(state))
        for each in frames[first : first + every]:
            found += reading.add(each)
        state = json.dumps(reading.state())
    assert found + list(reading.finish()) == expected


def test_finishing_changes_nothing() -> None:
    reading = CentredReading(WINDOW_S, label)
    for each in clip("nnnhhh"):
        reading.add(each)
    before = reading.state()
    assert reading.finish() == reading.finish()
    assert reading.state() == before


def test_the_state_is_bounded_at_any_frame_rate() -> None:
    def largest(fps: int) -> int:
        reading, sizes = CentredReading(WINDOW_S, label), []
        for number in range(fps * 20):
            reading.add(frame(number, "happy", time_us=number * 1_000_000 // fps))
            sizes.append(sum(map(len, reading.state()["slots"])))
        return max(sizes)

    assert largest(200) == largest(50)


def test_a_track_that_left_is_forgotten() -> None:
    reading = CentredReading(WINDOW_S, label)
    for each in clip("nnnnn" + " " * 30):
        reading.add(each)
    state = reading.state()
    assert state["pending"] == state["slots"] == []


def test_media_time_that_goes_back_ends_what_was_pending() -> None:
    times_us = [0, 40_000, 5_000_000, 1_000_000, 1_040_000]
    frames = [frame(n, "happy" if n < 3 else "sad", time_us=t) for n, t in enumerate(times_us)]
    found = read(frames)
    assert [one.frame_index for one in found] == [0, 1, 2, 3, 4]
    assert labels_of(found) == ["happy"] * 3 + ["sad"] * 2


def test_frames_that_are_far_apart_are_read_alone() -> None:
    names = ["happy", "sad", "neutral", "happy"]
    found = read([frame(n, one, time_us=n * 5_000_000) for n, one in enumerate(names)])
    assert labels_of(found) == names
