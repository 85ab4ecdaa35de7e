"""Protocols, the agreement of people, and degraded faces, on splits with known answers."""

import numpy as np
import pytest

from contracts.model_card import ModelCard
from inference_worker.faces.model_choice import shipped_model
from training.data.dataset import Split
from training.scoring.conditions import Condition, conditions
from training.scoring.people import agreement
from training.scoring.protocols import Protocol, papers_truth, score_protocols, truth

CARD = ModelCard.read(shipped_model())
HAPPY, SAD, NEUTRAL = 3, 4, 6


def split_of(*votes: dict[int, int], others: list[list[int]] | None = None) -> Split:
    """A face for each of the votes, by expression."""
    table = np.zeros((len(votes), 7), np.float32)
    for row, one in zip(table, votes, strict=True):
        for expression, count in one.items():
            row[expression] = count
    n = len(votes)
    return Split(
        np.zeros((n, 48, 48), np.uint8),
        np.full(n, SAD, np.int64),
        table,
        tuple(map(str, range(n))),
        None if others is None else np.array(others, np.float32),
    )


def test_papers_leave_out_faces_without_a_majority() -> None:
    split = split_of({HAPPY: 10}, {HAPPY: 5, SAD: 5}, {HAPPY: 4, SAD: 3, NEUTRAL: 3}, {})
    labels, counted = papers_truth(split)
    assert counted.tolist() == [True, False, False, False]
    assert labels[0] == HAPPY
    assert truth(split, Protocol.FERPLUS)[1].tolist() == [True, True, True, False]


def test_papers_drop_single_votes_before_the_majority() -> None:
    split = split_of({HAPPY: 5, SAD: 4, NEUTRAL: 1}, {HAPPY: 4, SAD: 1, NEUTRAL: 1, 0: 1, 1: 1})
    assert papers_truth(split)[1].tolist() == [True, True]


def test_votes_for_contempt_unknown_and_no_face_are_against_a_majority() -> None:
    split = split_of({HAPPY: 5}, {HAPPY: 5}, {HAPPY: 5}, others=[[5, 0, 0], [0, 1, 1], [2, 2, 0]])
    assert papers_truth(split)[1].tolist() == [False, True, True]


def test_each_protocol_scores_its_own_faces_and_head() -> None:
    split = split_of({HAPPY: 10}, {HAPPY: 6, SAD: 4}, {HAPPY: 5, SAD: 5}, {})
    says = {"fer2013": SAD, "ferplus": HAPPY}
    logits = {
        CARD.heads[name].output: np.eye(7, dtype=np.float32)[[expression] * 4] * 20
        for name, expression in says.items()
    }
    scores = {one.protocol: one for one in score_protocols(CARD, logits, split)}
    assert [scores[one].faces for one in Protocol] == [4, 3, 2]
    assert [scores[one].accuracy for one in Protocol] == [1.0, 1.0, 1.0]
    assert scores[Protocol.PAPERS].mean_recall == 1.0


def test_a_split_without_votes_has_one_protocol_and_no_people() -> None:
    split = split_of({}, {})
    logits = {head.output: np.zeros((2, 7), np.float32) for head in CARD.heads.values()}
    assert [one.protocol for one in score_protocols(CARD, logits, split)] == [Protocol.FER2013]
    assert agreement(split) is None


def test_people_who_agree_always_do() -> None:
    found = agreement(split_of(*[{HAPPY: 10}, {SAD: 10}] * 50))
    assert found is not None
    assert (found.one_vote, found.halves) == (1.0, 1.0)
    assert 0.98 < found.panel <= 1.0


def test_people_who_are_split_agree_by_chance() -> None:
    found = agreement(split_of(*[{HAPPY: 5, SAD: 5}] * 200))
    assert found is not None
    # Without one of five votes, the other expression has the majority.
    assert found.one_vote == 0.0
    assert found.halves == pytest.approx(0.0, abs=0.02), "each half is the rest of the other"
    assert found.panel == pytest.approx(0.5, abs=0.05)


def test_a_vote_is_compared_with_the_others_only() -> None:
    found = agreement(split_of({HAPPY: 8, SAD: 2}))
    assert found is not None
    assert found.one_vote == 0.8


@pytest.mark.parametrize("condition", list(conditions()), ids=lambda one: one.name)
def test_a_degraded_face_keeps_its_shape_and_changes(condition: Condition) -> None:
    rng = np.random.default_rng(1)
    face = rng.integers(20, 150, (48, 48)).astype(np.uint8)
    changed = condition.change(face)
    assert changed.shape == face.shape and changed.dtype == np.uint8
    assert np.array_equal(changed, face) == (not condition.kind)
