"""How well people agree with each other on a split's faces: what a model can reach."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.data.dataset import Split

_SEED: Final = 5
_DRAWS: Final = 20
_PRIOR_VOTES: Final = 0.25

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of voters on the expressions of one split, shares of its faces, 0..1.

    one_vote: a vote with the majority of the others. halves: the majority of half the voters with
    that of the other half. panel: the majority of a second panel of the same size with the one that
    is the label. Nobody measured it, so it is drawn, see `_panel`; a panel of half the size is
    `halves`.
    """

    faces: int
    one_vote: float
    halves: float
    panel: float

    def sentence(self) -> str:
        """Return the agreement as a sentence."""
        return (
            f"People on the same faces: one vote agrees with the others' majority on "
            f"{self.one_vote:.1%}, half of the voters with the other half on {self.halves:.1%}; "
            f"a second panel of as many would on {self.panel:.0%} (estimated)."
        )


def agreement(split: Split) -> Agreement | None:
    """Return the agreement on the faces with two votes or more; None without such faces.

    Only votes for the seven expressions count. Ties are broken at random, with a fixed seed.
    """
    votes = split.votes.round().astype(np.int64)
    votes = votes[votes.sum(axis=1) >= 2]
    if not len(votes):
        return None
    rng = np.random.default_rng(_SEED)
    prior = votes.sum(axis=0) / votes.sum()
    return Agreement(
        faces=len(votes),
        one_vote=round(_one_vote(votes), 4),
        halves=round(_halves(votes, rng), 4),
        panel=round(_panel(votes, prior, rng), 4),
    )


def _one_vote(votes: Counts) -> float:
    """Return the share of votes that are the majority of their face's other votes.

    A vote among k equal ones counts as 1/k.
    """
    hits = 0.0
    for expression in range(votes.shape[1]):
        others = votes.astype(np.float64).copy()
        others[:, expression] -= 1
        best = others.max(axis=1)
        wins = (others[:, expression] == best) / (others == best[:, None]).sum(axis=1)
        hits += float((wins * votes[:, expression] / votes.sum(axis=1)).sum())
    return hits / len(votes)


def _halves(votes: Counts, rng: np.random.Generator) -> float:
    shares = []
    for _ in range(_DRAWS):
        half = rng.multivariate_hypergeometric
        first = np.stack([half(face, int(face.sum()) // 2) for face in votes])
        same = _majority(first, rng) == _majority(votes - first, rng)
        shares.append(float(same.mean()))
    return float(np.mean(shares))


def _panel(votes: Counts, prior: npt.NDArray[np.float64], rng: np.random.Generator) -> float:
    """Return how often the majority of a drawn panel is the label.

    prior: the split's shares. They count as a quarter of a vote, and the shares from which a face's
    panel votes are drawn from a Dirichlet distribution: as uncertain as so few votes leave them.
    With this weight, drawn halves of FER+'s voters agree as often as the real ones do.
    """
    counts, label = votes.sum(axis=1), votes.argmax(axis=1)
    hits = []
    for _ in range(_DRAWS):
        weights = rng.standard_gamma(votes + _PRIOR_VOTES * prior)
        shares = weights / weights.sum(axis=1, keepdims=True)
        hits.append(float((_majority(rng.multinomial(counts, shares), rng) == label).mean()))
    return float(np.mean(hits))


def _majority(votes: Counts, rng: np.random.Generator) -> Counts:
    noise = rng.random(votes.shape) * 0.5
    return np.asarray((votes + noise).argmax(axis=1))
