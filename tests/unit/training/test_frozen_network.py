"""Features of any LiteRT network that a small file describes, kept in parts."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import FaceWeightsError
from contracts.expressions import EXPRESSIONS
from contracts.model_card import WEIGHTS_NAME
from tests.litert_models import write_small_model
from training.data.dataset import Split
from training.data.views import view
from training.teachers.feature_store import FaceFeatures, face_features, main_components
from training.teachers.frozen_network import FrozenNetwork, field_means, read_description

NETWORKS = Path(__file__).parents[3] / "training" / "teachers" / "networks"


def described(folder: Path, features: str, **changed: object) -> Path:
    """Write a small network of 48x48 crops and its description; return that."""
    model = write_small_model(folder / "network", 48)
    values = {
        "file": WEIGHTS_NAME,
        "sha256": hashlib.sha256((model / WEIGHTS_NAME).read_bytes()).hexdigest(),
        "side": 48,
        "channels": "bgr",
        "mean": [0.0, 0.0, 0.0],
    } | changed
    lines = [f"{name} = {value!r}" for name, value in values.items()]
    path = model / "small.toml"
    path.write_text("\n".join([*lines, features]))
    return path


def layer(tensor: str, grid: int = 1) -> str:
    return f'[[features]]\ntensor = "{tensor}"\ngrid = {grid}\n'


def images(count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, 48, 48), dtype=np.uint8)


def test_features_are_means_over_fields_of_inner_tensors(tmp_path: Path) -> None:
    network = FrozenNetwork(described(tmp_path, layer("floats", 2) + layer("ferplus")))
    faces = images(11)

    found = network.features(faces)

    assert found.shape == (11, 4 * 3 + len(EXPRESSIONS))
    upper_right = faces[:, :24, 24:].mean(axis=(1, 2))
    assert found[:, 3:6] == pytest.approx(upper_right[:, None].repeat(3, axis=1), rel=1e-3)
    # The same in whatever company.
    assert (network.features(faces[3:4]) == found[3]).all()


def test_pixels_are_resized_and_normalised(tmp_path: Path) -> None:
    path = described(tmp_path, layer("ferplus"), side=48, mean=[10.0, 20.0, 30.0], scale=0.5)

    pixels = FrozenNetwork(path).pixels(np.full((1, 20, 20), 100, np.uint8))

    assert pixels.shape == (1, 48, 48, 3)
    assert pixels[0, 7, 7].tolist() == [45.0, 40.0, 35.0]


@pytest.mark.parametrize("grid", [1, 2, 3])
def test_fields_cover_a_tensor_whose_side_is_no_multiple(grid: int) -> None:
    values = np.arange(49, dtype=np.float32).reshape(1, 7, 7, 1)

    means = field_means(values, grid)

    assert means.shape == (1, grid * grid)
    assert means.mean() == pytest.approx(values.mean())


def test_a_described_network_that_is_not_as_expected_is_rejected(tmp_path: Path) -> None:
    wrong = described(tmp_path / "a", layer("ferplus"), sha256="0" * 64)
    with pytest.raises(FaceWeightsError, match="other weights than expected"):
        FrozenNetwork(wrong)
    with pytest.raises(FaceWeightsError, match="0 tensors start with 'none'"):
        FrozenNetwork(described(tmp_path / "b", layer("none")))
    with pytest.raises(FaceWeightsError, match="2 tensors start with 'fl'"):
        FrozenNetwork(described(tmp_path / "c", layer("fl")))
    with pytest.raises(FaceWeightsError, match="does not describe a network"):
        FrozenNetwork(described(tmp_path / "d", layer("ferplus"), channels="grey"))
    with pytest.raises(FaceWeightsError, match="cannot be read"):
        FrozenNetwork(described(tmp_path / "e", layer("ferplus"), file="none.tflite"))


def test_descriptions_that_come_with_moodline_are_valid() -> None:
    described_networks = sorted(NETWORKS.glob("*.toml"))

    assert described_networks
    for path in described_networks:
        assert read_description(path).features


class Counting:
    """Counts the faces that it sees; a feature is a face's first pixel."""

    digest = "c" * 64

    def __init__(self, stops_after: int = 10**9) -> None:
        self.seen, self._left = 0, stops_after

    def features(self, faces: np.ndarray) -> np.ndarray:
        if self._left < len(faces):
            raise KeyboardInterrupt
        self._left -= len(faces)
        self.seen += len(faces)
        return faces[:, 0, :1].astype(np.float16)


def split(count: int) -> Split:
    votes = np.ones((count, len(EXPRESSIONS)), np.float32)
    return Split(images(count), np.zeros(count, np.int64), votes, tuple(map(str, range(count))))


def test_a_killed_computation_continues_after_its_last_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.teachers.feature_store.PART", 4)
    faces = split(10)
    with pytest.raises(KeyboardInterrupt):
        face_features(Counting(stops_after=12), faces, tmp_path)

    again = Counting()
    found = face_features(again, faces, tmp_path)

    # The ten plain faces were kept.
    assert again.seen == 20 - 10
    plain, mirrored = found.views
    assert (plain[:, 0] == faces.images[:, 0, 0]).all()
    assert (mirrored[:, 0] == faces.images[:, 0, -1]).all()
    assert (found[np.array([3])].views[0] == plain[3:4]).all()


def test_changed_views_are_the_same_every_time_and_each_their_own(tmp_path: Path) -> None:
    faces = split(6)

    found = face_features(Counting(), faces, tmp_path, views=4)

    assert len(found.views) == 4
    for number, one in enumerate(found.views):
        assert (one[:, 0] == view(faces.images, number)[:, 0, 0]).all()
    assert not (found.views[2] == found.views[3]).all()
    taken = found.taken(np.array([5, 0]), np.array([1, 3]))
    assert taken.tolist() == [found.views[1][5].tolist(), found.views[3][0].tolist()]


def test_main_components_keep_what_varies_most() -> None:
    rng = np.random.default_rng(3)
    hidden = rng.standard_normal((400, 2)) * (3.0, 1.0)
    noise = rng.standard_normal((400, 30)) * 0.05
    seen = (hidden @ rng.standard_normal((2, 30)) + noise + 7.0).astype(np.float16)

    found = main_components(FaceFeatures((seen, seen[::-1])), 2)

    assert found.shape == (2, 400, 2)
    assert np.square(found[0].astype(float)).mean() == pytest.approx(1.0, rel=0.01)
    assert found[0, :, 0].std() > found[0, :, 1].std()
    assert found[1] == pytest.approx(found[0, ::-1], abs=1e-3)
    # Two components of thirty features explain them all but the noise.
    centred = seen.astype(float) - seen.mean(axis=0, dtype=float)
    explained, *_ = np.linalg.lstsq(found[0].astype(float), centred, rcond=None)
    left = centred - found[0].astype(float) @ explained
    assert left.std() < 0.02 * centred.std()
    with pytest.raises(FaceWeightsError, match="30 components were asked for; at most 29"):
        main_components(FaceFeatures((seen,)), 30)


def test_features_of_other_faces_are_not_taken(tmp_path: Path) -> None:
    face_features(Counting(), split(5), tmp_path)
    other = Counting()

    face_features(other, split(6), tmp_path)

    assert other.seen == 12
