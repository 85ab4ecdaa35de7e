"""The verdict on a history: whether it was happier, with tracks as the samples."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete, update

from analytics.comparison.earlier_times import EarlierTime
from analytics.comparison.track_sums import track_sums
from analytics.comparison.verdict import Outcome, Reason, Verdict, verdict
from analytics.comparison.wording import basis_line, verdict_line
from analytics.history.rollups import roll_up_all
from analytics.history.source_selection import history_sources
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import Counters, End
from contracts.geometry import Box
from inference_worker.batch import Batch, CounterSample
from inference_worker.store import RunStore
from records.database import reading, transaction
from records.runs.file_job import FileJob
from records.runs.queue import enqueue_file
from records.tables.runs import Run
from records.tables.summary_steps import SummaryStep
from tests.history import OPTIONS, at_us

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEFORE = EarlierTime(NOW - 24 * HOUR, NOW - 23 * HOUR, "yesterday")
SHARES = (0.05, 0.05, 0.05, 0.65, 0.05, 0.05, 0.1)

Visit = tuple[int, int, str]
"""Seconds in view, those of them with an expression, and the expression; the others are neutral."""


def visits(count: int, happy: float, seed: int, label: str = "happy") -> list[Visit]:
    """People of whom each shows the label for a part of the stay, `happy` on average."""
    chance = random.Random(seed)
    stays = [chance.randrange(6, 30) for _ in range(count)]
    parts = [chance.betavariate(2 * happy, 2 - 2 * happy) for _ in stays]
    return [(stay, round(stay * part), label) for stay, part in zip(stays, parts, strict=True)]


def write_visits(
    engine: Engine, begin: datetime, people: Sequence[Visit], name: str = "door"
) -> None:
    """Write a recording at one frame a second, in which one person comes after another."""
    job = FileJob(f"/{begin}.mp4", f"{begin}", "door", True, None, "haar", "m", OPTIONS)
    with transaction(engine) as connection:
        ticket = enqueue_file(connection, job, claimant=None, lease_s=60, again=False)
    store = RunStore(engine, "test")
    taken = store.take(ticket.run_id)
    assert taken is not None
    frames = list[FrameResult]()
    for track, (stay, labelled, label) in enumerate(people, 1):
        for second in range(stay):
            shown = (label or None) if second < labelled else "neutral"
            face = FaceResult(track, Box(1, 2, 30, 30), SHARES, shown, 0.6, shown, 0.6, 0.9)
            seq = len(frames) + 1
            at = at_us(begin) + seq * 1_000_000
            frames.append(FrameResult(seq, seq, seq * 1_000_000, at, 1000, (face,)))
    samples = [
        CounterSample(one.captured_at_us, Counters(number, 0, {}))
        for number, one in enumerate(frames, 1)
    ]
    store.commit(taken, Batch(len(frames) + 1, frames, [], samples, "", b""))
    store.finish(taken, End(ticket.run_id, len(frames) + 1, len(frames), samples[-1].counters))
    opened = {"recorded_at": begin, "duration_us": len(frames) * 1_000_000}
    with transaction(engine) as connection:
        connection.execute(update(Run).where(Run.run_id == ticket.run_id).values(opened))


def judged(engine: Engine) -> Verdict:
    roll_up_all(engine)
    with reading(engine) as connection:
        return verdict(connection, NOW, NOW + HOUR, BEFORE)


def test_a_clear_difference_is_a_verdict(engine: Engine) -> None:
    write_visits(engine, BEFORE.since, visits(80, 0.2, 1))
    write_visits(engine, NOW, visits(80, 0.5, 2))
    found = judged(engine)
    assert (found.outcome, found.reason) == (Outcome.HIGHER, Reason.NONE)
    assert found.tracks == (80, 80) and not found.counted
    assert 60 < found.effective[0] < 80
    lead = found.lead
    assert lead.margin is not None and 0.05 < lead.margin < 0.15
    text = verdict_line(found)
    assert text.startswith("Happier than yesterday: happy ") and "± " in text
    assert text.endswith("100 % covered.")
    assert "tracks as samples (80 and 80)" in basis_line(found)


def test_the_same_seconds_of_one_person_are_too_little_to_say(engine: Engine) -> None:
    """As many frames as above, and as large a difference: but of one and of two people."""
    write_visits(engine, BEFORE.since, [(1400, 280, "happy")])
    write_visits(engine, NOW, [(700, 350, "happy"), (700, 350, "happy")])
    found = judged(engine)
    assert (found.outcome, found.reason) == (Outcome.UNCLEAR, Reason.FEW)
    assert verdict_line(found).startswith("Too little to say against yesterday: happy 50 %")
    assert "Too few people" in basis_line(found)


def test_a_small_difference_is_about_the_same_or_too_little_to_say(engine: Engine) -> None:
    for begin, seed in ((BEFORE.since, 3), (NOW, 3)):
        write_visits(engine, begin, [(10, 1, "happy")] * 100 + visits(10, 0.3, seed))
    found = judged(engine)
    assert found.outcome is Outcome.SIMILAR
    assert verdict_line(found).startswith("About as happy as yesterday: happy ")


def test_an_expression_that_changed_clearly_is_named_beside_happy(engine: Engine) -> None:
    write_visits(engine, BEFORE.since, visits(60, 0.3, 5))
    write_visits(engine, NOW, [*visits(60, 0.3, 5), *visits(60, 0.6, 6, "sad")])
    found = judged(engine)
    assert found.also == "sad" and "sad " in verdict_line(found)


def test_without_the_earlier_time_the_share_is_said_and_nothing_more(engine: Engine) -> None:
    write_visits(engine, NOW, visits(60, 0.3, 5))
    found = judged(engine)
    assert (found.outcome, found.reason) == (Outcome.UNCLEAR, Reason.NOT_ANALYSED)
    text = verdict_line(found)
    assert text.startswith("Happy ") and text.endswith("with: nothing was analysed yesterday.")


def test_without_the_time_itself_nothing_is_said(engine: Engine) -> None:
    write_visits(engine, BEFORE.since, visits(60, 0.3, 5))
    found = judged(engine)
    assert (found.outcome, found.reason) == (Outcome.UNCLEAR, Reason.NOT_ANALYSED)
    assert verdict_line(found) == "Too little to say: nothing was analysed in this range."


def test_faces_that_became_unreadable_are_not_a_change_of_mood(engine: Engine) -> None:
    write_visits(engine, BEFORE.since, visits(80, 0.6, 1))
    people = visits(80, 0.6, 2)
    dark = [
        (stay, stay, "") if number % 2 else (stay, happy, label)
        for number, (stay, happy, label) in enumerate(people)
    ]
    write_visits(engine, NOW, dark)
    assert judged(engine).reason is Reason.READABILITY


def test_where_rows_were_removed_the_number_of_tracks_is_left(engine: Engine) -> None:
    write_visits(engine, BEFORE.since, visits(120, 0.2, 1))
    write_visits(engine, NOW, visits(120, 0.5, 2))
    known = judged(engine)
    with transaction(engine) as connection:
        connection.execute(delete(SummaryStep))
    found = judged(engine)
    assert found.counted and found.outcome is Outcome.HIGHER
    assert found.lead.change == known.lead.change
    assert known.lead.margin and found.lead.margin and found.lead.margin > known.lead.margin
    assert "from the number of tracks (120 and 120)" in basis_line(found)


@pytest.mark.both_databases
@pytest.mark.parametrize("parts", [1, 2, 6])
def test_the_sums_over_tracks_are_those_of_the_rows(engine: Engine, parts: int) -> None:
    """However a range is split, each second of each track is in one part."""
    people, part = visits(70, 0.4, 7), HOUR / parts
    write_visits(engine, NOW, people)
    with reading(engine) as connection:
        pks = [one.pk for one in history_sources(connection)]
        found = [
            track_sums(connection, pks, NOW + number * part, NOW + (number + 1) * part)
            for number in range(parts)
        ]
    assert sum(one.x for one in found) == pytest.approx(sum(stay for stay, *_ in people))
    if parts == 1:
        (whole,) = found
        assert whole.tracks == 70
        assert whole.xx == pytest.approx(sum(stay**2 for stay, *_ in people))
        assert whole.labels["happy"].yy == pytest.approx(sum(one**2 for _, one, _ in people))
        assert whole.labels["happy"].xy == pytest.approx(sum(x * y for x, y, _ in people))


def test_a_part_of_many_tracks_stands_for_all(engine: Engine) -> None:
    write_visits(engine, NOW, visits(150, 0.4, 8))
    with reading(engine) as connection:
        pks = [one.pk for one in history_sources(connection)]
        every = track_sums(connection, pks, NOW, NOW + HOUR)
        third = track_sums(connection, pks, NOW, NOW + HOUR, tracks=12_000)
    assert third.tracks == every.tracks == 150
    assert third.x == pytest.approx(every.x, rel=0.2) and third.x != every.x
    assert third.effective == pytest.approx(every.effective, rel=0.2)
