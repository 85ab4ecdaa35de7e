"""Data set readers: folders, zips and CSV files of pixels."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import DatasetError
from contracts.expressions import EXPRESSIONS
from runtime.decoding.opencv import cv2
from training.data.dataset import VOTE_COLUMNS
from training.data.readers import read_dataset

PIXELS = " ".join(["7"] * 48 * 48)


def picture(value: int) -> bytes:
    ok, data = cv2.imencode(".png", np.full((48, 48), value, np.uint8))
    assert ok
    return data.tobytes()


def files_of_each_expression(split: str) -> dict[str, bytes]:
    return {f"{split}/{name}/{split}-{name}.png": picture(i) for i, name in enumerate(EXPRESSIONS)}


def write_folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_pixel_csv(path: Path, rows: list[str], header: str = "emotion,pixels,Usage") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_folder_and_a_zip_give_the_same_data_set(tmp_path: Path) -> None:
    files = files_of_each_expression("train") | files_of_each_expression("val")

    folder = read_dataset(write_folder(tmp_path / "faces", files))
    archive = read_dataset(write_zip(tmp_path / "faces.zip", files))

    assert set(folder.splits) == set(archive.splits) == {"train", "val"}
    for name, split in folder.splits.items():
        assert np.array_equal(split.images, archive.split(name).images)
        # Each image's value is the index of its expression, so it still has its own label.
        assert np.array_equal(split.images[:, 0, 0], split.labels)
        assert split.faces.shape == (7, 48, 48, 3)


def test_votes_are_read_from_labels_csv_in_expression_order(tmp_path: Path) -> None:
    header = "Usage,Image name,emotion," + ",".join(reversed(VOTE_COLUMNS))
    row = "Training,train-happy.png,happy,7,6,5,4,3,2,1"
    files = files_of_each_expression("train") | {"labels.csv": f"{header}\n{row}\n".encode()}

    split = read_dataset(write_zip(tmp_path / "faces.zip", files)).split("train")

    happy = split.names.index("train-happy.png")
    assert split.votes[happy].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert split.voted.sum() == 1
    assert split.vote_shares[happy].sum() == pytest.approx(1.0)


def test_a_data_set_whose_only_split_is_test_is_read(tmp_path: Path) -> None:
    data = read_dataset(write_folder(tmp_path, files_of_each_expression("test")))

    assert len(data.split("test")) == 7
    with pytest.raises(DatasetError, match="no split 'val'") as caught:
        data.split("val")
    assert "test" in caught.value.hint


@pytest.mark.parametrize("broken", [b"", b"not a picture"])
def test_a_corrupt_image_is_named(tmp_path: Path, broken: bytes) -> None:
    files = files_of_each_expression("train") | {"train/sad/broken.png": broken}

    with pytest.raises(DatasetError, match=r"train/sad/broken\.png"):
        read_dataset(write_folder(tmp_path, files))


def test_a_missing_class_is_named(tmp_path: Path) -> None:
    files = files_of_each_expression("train")
    del files["train/fear/train-fear.png"]

    with pytest.raises(DatasetError, match="no faces of fear"):
        read_dataset(write_folder(tmp_path, files))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"happy/1.png": b""}, "no train, val or test folder"),
        ({"train/bored/1.png": b""}, "not one of the seven"),
    ],
)
def test_a_wrong_layout_is_explained(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_dataset(write_folder(tmp_path, files))


def test_a_path_that_is_not_a_data_set_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "faces.zip").write_text("text")

    with pytest.raises(DatasetError, match="is not a data set"):
        read_dataset(tmp_path / "faces.zip")
    with pytest.raises(DatasetError, match="does not exist"):
        read_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize("header", ["emotion,pixels,Usage", "emotion, Usage, pixels"])
def test_both_pixel_csvs_are_read(tmp_path: Path, header: str) -> None:
    usages = ["Training", "PublicTest", "PrivateTest"]
    values = {"emotion": "{e}", "pixels": PIXELS, "Usage": "{u}"}
    line = ",".join(values[column.strip()] for column in header.split(","))
    rows = [line.format(e=e, u=u) for u in usages for e in range(7)]

    data = read_dataset(write_pixel_csv(tmp_path / "fer.csv", rows, header))

    assert {name: len(split) for name, split in data.splits.items()} == {
        "train": 7,
        "val": 7,
        "test": 7,
    }
    assert data.split("train").images.max() == 7


def test_fer_plus_votes_join_the_pixel_csv_row_by_row(tmp_path: Path) -> None:
    path = write_pixel_csv(tmp_path / "fer.csv", [f"{e},{PIXELS},Training" for e in range(7)])
    votes = tmp_path / "fer2013new.csv"
    rows = [",".join("9" if i == e else "1" for i in range(7)) for e in range(7)]
    votes.write_text("\n".join([",".join(VOTE_COLUMNS), *rows]) + "\n")

    split = read_dataset(path, votes).split("train")

    assert split.votes.argmax(axis=1).tolist() == split.labels.tolist()

    votes.write_text("\n".join([",".join(VOTE_COLUMNS), *rows[:-1]]) + "\n")
    with pytest.raises(DatasetError, match="votes end"):
        read_dataset(path, votes)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9," + PIXELS + ",Training", "emotion '9'"),
        ("1,1 2 3,Training", "2304 pixels"),
        ("1,a b c,Training", "not numbers"),
        ("1," + PIXELS + ",Holiday", "unknown Usage"),
    ],
)
def test_a_bad_row_of_pixels_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message) as caught:
        read_dataset(write_pixel_csv(tmp_path / "fer.csv", [row]))
    assert "row 1" in str(caught.value)


def test_a_csv_without_pixels_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no column"):
        read_dataset(write_pixel_csv(tmp_path / "fer.csv", ["1,2"], "a,b"))
