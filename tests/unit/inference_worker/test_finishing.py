"""TurnFinisher: turns are finished in order, beside detection, and none after a failure."""

import threading
from collections.abc import Callable

import pytest

from contracts.errors import DatabaseError
from inference_worker.turns.finishing import DetectedTurn, TurnFinisher

LONG_S = 30


def turns(count: int) -> list[DetectedTurn]:
    return [DetectedTurn((), (), float(number)) for number in range(count)]


def finisher(finish: Callable[[DetectedTurn], None]) -> TurnFinisher:
    return TurnFinisher(finish, on_tick=lambda: None)


def test_turns_are_finished_in_order_and_returned_once() -> None:
    order: list[DetectedTurn] = []
    one, given = finisher(order.append), turns(6)

    returned = [turn for turn in given for turn in one.submit(turn)] + one.finish_all()

    assert order == returned == given
    assert one.is_idle and one.finished() == []


def test_a_turn_is_handed_over_while_another_is_finished_and_a_third_waits() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_turn: DetectedTurn) -> None:
        begun.set()
        assert go_on.wait(LONG_S)

    ticks: list[int] = []

    def tick() -> None:
        """The third turn has no room: its wait ticks."""
        ticks.append(1)
        go_on.set()

    one = TurnFinisher(slow, tick)
    first, second, third = turns(3)
    assert one.submit(first) == one.submit(second) == []
    assert begun.wait(LONG_S) and not one.is_idle and not ticks

    finished = one.submit(third)
    assert ticks and finished[0] == first
    assert finished + one.finish_all() == [first, second, third]


def test_nothing_is_finished_after_a_failure_until_it_is_abandoned() -> None:
    seen: list[float] = []
    go_on = threading.Event()

    def fails_first(turn: DetectedTurn) -> None:
        assert go_on.wait(LONG_S)
        seen.append(turn.detect_s)
        if len(seen) == 1:
            raise DatabaseError("the database is away")

    one = finisher(fails_first)
    first, second, third = turns(3)
    one.submit(first)
    one.submit(second)
    go_on.set()
    with pytest.raises(DatabaseError):
        one.finish_all()
    one.abandon()
    assert seen == [0.0], "the second would be committed without the first"

    one.submit(third)
    assert one.finish_all() == [third] and seen == [0.0, 2.0]
