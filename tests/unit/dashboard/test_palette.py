"""Every pair of chart colours can be told apart, also with colour-blind eyes."""

import re
from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from contracts.expressions import LABELS, ON_PICTURES, UNCERTAIN, text_colour_on
from dashboard.web.bundle import Bundle
from dashboard.web.palette import DARK, LIGHT, Palette
from inference_worker.pictures.drawing import DrawnFace, draw_faces

Triple = npt.NDArray[np.float64]

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SEEN_AS = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
LEAST = {"normal": 20.0, "protan": 14.0, "deutan": 14.0, "tritan": 14.0}


def linear(colour: str) -> Triple:
    rgb = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: Triple) -> Triple:
    """CIE L*a*b* of linear sRGB, D65."""
    xyz = (
        np.array(
            [
                [0.4124564, 0.3575761, 0.1804375],
                [0.2126729, 0.7151522, 0.0721750],
                [0.0193339, 0.1191920, 0.9503041],
            ]
        )
        @ np.clip(rgb, 0, 1)
        / np.array([0.95047, 1.0, 1.08883])
    )
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def ciede2000(one: Triple, other: Triple) -> float:
    """Sharma, Wu and Dalal (2005)."""
    (l1, a1, b1), (l2, a2, b2) = one.tolist(), other.tolist()
    mean7 = ((hypot(a1, b1) + hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - sqrt(mean7 / (mean7 + 25**7)))
    c1, c2 = hypot((1 + g) * a1, b1), hypot((1 + g) * a2, b2)
    h1, h2 = (degrees(atan2(b, (1 + g) * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    dh = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    big_h = 2 * sqrt(c1 * c2) * sin(radians(dh / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = (h1 + dh / 2) % 360 if c1 * c2 else h1 + h2
    t = (
        1
        - 0.17 * cos(radians(hm - 30))
        + 0.24 * cos(radians(2 * hm))
        + 0.32 * cos(radians(3 * hm + 6))
        - 0.20 * cos(radians(4 * hm - 63))
    )
    sl = 1 + 0.015 * (lm - 50) ** 2 / sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    turn = 2 * sqrt(cm**7 / (cm**7 + 25**7)) * sin(radians(60 * exp(-(((hm - 275) / 25) ** 2))))
    parts = (l2 - l1) / sl, (c2 - c1) / sc, big_h / sh
    return sqrt(sum(part**2 for part in parts) - turn * parts[1] * parts[2])


def test_ciede2000_gives_the_published_distances() -> None:
    pairs = [
        ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
        ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ]
    for one, other, distance in pairs:
        assert ciede2000(np.array(one), np.array(other)) == pytest.approx(distance, abs=1e-4)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", list(SEEN_AS))
def test_no_two_labels_look_alike(palette: Palette, eyes: str) -> None:
    seen = {label: lab(SEEN_AS[eyes] @ linear(one)) for label, one in palette.labels.items()}
    near = min((ciede2000(seen[a], seen[b]), a, b) for a, b in combinations(seen, 2))
    assert near[0] >= LEAST[eyes], near


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_each_label_stands_out_from_the_page(palette: Palette) -> None:
    """WCAG requires 3:1 for graphics. Uncertain is recognised by its hatch."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    ground = float(weights @ linear(palette.paper))
    for label, colour in palette.labels.items():
        drawn = palette.hatch if label == UNCERTAIN else colour
        light, dark = sorted((float(weights @ linear(drawn)), ground), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3, label


def contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    light, dark = sorted((float(weights @ linear(colour)) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("label", LABELS)
def test_captions_on_pictures_are_legible_on_their_colour(label: str) -> None:
    colour = ON_PICTURES[label]
    ink = text_colour_on(colour)
    assert contrast(ink, colour) >= 4.5
    assert contrast(ink, colour) >= contrast("#FFFFFF" if ink == "#000000" else "#000000", colour)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("grey", range(0, 256, 17))
def test_a_box_is_seen_on_any_grey(label: str, grey: int) -> None:
    """One of the lines that are drawn has 3:1 with the picture, and the box is closed."""
    face = DrawnFace(1, 20, 30, 40, 40, None if label == UNCERTAIN else label, 0.5)
    drawn = draw_faces(np.full((100, 100, 3), grey, np.uint8), [face])
    across = {tuple(drawn[60, x]) for x in range(10, 31)}
    colours = {"#" + "".join(f"{part:02X}" for part in reversed(bgr)) for bgr in across}
    assert ON_PICTURES[label] in colours
    assert max(contrast(one, f"#{grey:02X}{grey:02X}{grey:02X}") for one in colours) >= 3


def test_the_style_sheet_has_the_colours_of_the_palette() -> None:
    bundle = Bundle("/", Path())
    _, link = bundle.tags("", "")
    content = bundle.file(link.rpartition("/")[2].removesuffix('">'))
    assert content is not None
    colours = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", content.decode())
    for place, palette in enumerate((LIGHT, DARK), start=1):
        assert {one[0]: one[place] for one in colours} == {
            **palette.labels,
            "hatch": palette.hatch,
            "missing": palette.no_coverage,
            "chart-text": palette.text,
            "chart-grid": palette.grid,
            "chart-paper": palette.paper,
            "chart-coverage": palette.coverage,
            "chart-low-coverage": palette.low_coverage,
        }
