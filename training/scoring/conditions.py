"""Degraded faces: the same faces seen smaller, turned, darker and blurred, and their scores."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.model_card import ModelCard
from runtime.decoding.opencv import cv2
from training.calibration import probabilities
from training.classifier import Reader
from training.data.dataset import Split
from training.metrics import head_report
from training.scoring.protocols import Protocol, truth

Image = npt.NDArray[np.uint8]
Change = Callable[[Image], Image]

_SIDES: Final = (32, 24, 16, 12)
_ROLLS: Final = (10, 20, 30, 45)
_LIGHTS: Final = (1.5, 0.5, 0.25, 0.125)
_BLURS: Final = (80, 40, 20)


@dataclass(frozen=True, slots=True)
class Condition:
    """A change of a grey face, uint8 [side, side]. kind: face size, roll, light or blur."""

    kind: str
    name: str
    change: Change


@dataclass(frozen=True, slots=True)
class ConditionScore:
    """The scores of the same faces under one condition. low, high: 95 % interval of the
    difference in accuracy to the unchanged faces, in shares."""

    kind: str
    name: str
    faces: int
    accuracy: float
    mean_recall: float
    low: float
    high: float


def conditions() -> Iterator[Condition]:
    """Yield the conditions; the first one changes nothing."""
    yield Condition("", "as it is", lambda face: face)
    for side in _SIDES:
        yield Condition("face size", f"seen through {side} pixels", _smaller(side))
    for roll in _ROLLS:
        yield Condition("roll", f"turned by {roll} degrees", _turned(roll))
    for light in _LIGHTS:
        yield Condition("light", f"{light:g} of the light", _lit(light))
    for part in _BLURS:
        yield Condition("blur", f"blurred by 1/{part} of the face", _blurred(part))


def score_conditions(
    card: ModelCard, model: Reader, split: Split, protocol: Protocol, most: int
) -> tuple[ConditionScore, ...]:
    """Return the scores under each condition, of at most `most` faces, evenly chosen.

    The crop itself is degraded: what a smaller or a darker face costs the detector is not in it.
    """
    labels, counted = truth(split, protocol)
    if protocol.head not in card.heads or not counted.any() or most < 1:
        return ()
    places = np.flatnonzero(counted)
    chosen = places[np.linspace(0, len(places) - 1, min(most, len(places))).astype(np.int64)]
    head, scores, before = card.heads[protocol.head], [], np.empty(0)
    for one in conditions():
        images = np.stack([one.change(face) for face in split.images[chosen]])
        faces = np.repeat(images[..., None], 3, axis=-1)
        logits = model.logits(faces)[head.output]
        probs = probabilities(logits, head.temperature, head.biases)
        right = (probs.argmax(axis=1) == labels[chosen]).astype(np.float64)
        before = right if not one.kind else before
        low, high = _interval(right - before)
        report = head_report(probs, labels[chosen])
        scores.append(
            ConditionScore(
                one.kind, one.name, report.n, report.accuracy, report.mean_recall, low, high
            )
        )
    return tuple(scores)


def _interval(differences: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the normal 95 % interval of the mean of paired differences."""
    mean = float(differences.mean())
    reach = 1.96 * float(differences.std()) / np.sqrt(len(differences))
    return round(mean - reach, 4), round(mean + reach, 4)


def _smaller(side: int) -> Change:
    def change(face: Image) -> Image:
        small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, face.shape, interpolation=cv2.INTER_LINEAR), np.uint8)

    return change


def _turned(roll: float) -> Change:
    def change(face: Image) -> Image:
        centre = (len(face) - 1) / 2
        matrix = cv2.getRotationMatrix2D((centre, centre), -roll, 1.0)
        turned = cv2.warpAffine(face, matrix, face.shape, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(turned, np.uint8)

    return change


def _lit(light: float) -> Change:
    def change(face: Image) -> Image:
        return np.asarray(np.clip(face * light, 0, 255), np.uint8)

    return change


def _blurred(part: int) -> Change:
    def change(face: Image) -> Image:
        return np.asarray(cv2.GaussianBlur(face, (0, 0), len(face) / part), np.uint8)

    return change
