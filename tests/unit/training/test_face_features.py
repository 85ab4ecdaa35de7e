"""The weights of the face recognition network come from a third party and are verified."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from contracts.errors import FaceWeightsError
from training.face_teacher import main
from training.teachers.face_features import read_tensors

shapes = arrays.array_shapes(min_dims=0, max_dims=4, max_side=3)
tensors = st.lists(
    arrays.arrays(np.float32, shapes, elements=st.floats(-5, 5, width=32))
    | arrays.arrays(np.int32, shapes),
    max_size=5,
)


def written(folder: Path, values: list[np.ndarray]) -> tuple[Path, str]:
    data = b"".join(value.tobytes() for value in values)
    (folder / "net.bin").write_bytes(data)
    weights = [
        {"name": f"w{n}", "shape": list(value.shape), "dtype": value.dtype.name}
        for n, value in enumerate(values)
    ]
    manifest = folder / "net.json"
    groups = [{"paths": ["net.bin"], "weights": weights}]
    manifest.write_text(json.dumps({"weightsManifest": groups}))
    return manifest, hashlib.sha256(data).hexdigest()


@given(tensors)
def test_every_float_tensor_is_read(
    tmp_path_factory: pytest.TempPathFactory, values: list[np.ndarray]
) -> None:
    manifest, digest = written(tmp_path_factory.mktemp("net"), values)

    found = read_tensors(manifest, digest)

    assert set(found) == {f"w{n}" for n, one in enumerate(values) if one.dtype == np.float32}
    for name, tensor in found.items():
        np.testing.assert_array_equal(tensor, values[int(name[1:])])


def test_other_weights_are_rejected(tmp_path: Path) -> None:
    manifest, _ = written(tmp_path, [np.ones(3, np.float32)])

    with pytest.raises(FaceWeightsError, match="other weights than expected") as caught:
        read_tensors(manifest)

    assert "human-models" in caught.value.line()


@pytest.mark.parametrize("content", ["", "{}", '{"weightsManifest": []}', "[1]"])
def test_an_invalid_manifest_is_rejected(tmp_path: Path, content: str) -> None:
    manifest = tmp_path / "net.json"
    manifest.write_text(content)

    with pytest.raises(FaceWeightsError, match=r"net\.json cannot be read"):
        read_tensors(manifest)


def test_a_wrong_file_gives_a_one_line_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        main([str(tmp_path / "none.json"), "--data", "faces.zip", "--out", "out.npz"])

    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("out", ["answers", "none/answers.npz"])
def test_an_output_path_that_cannot_be_written_is_rejected_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "none.json"), "--data", "faces.zip", "--out", str(tmp_path / out)])

    assert "--out" in capsys.readouterr().err.splitlines()[-1]
