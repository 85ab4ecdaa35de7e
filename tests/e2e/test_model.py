"""`moodline model` on labelled faces in the common layouts, without TensorFlow."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from contracts.expressions import EXPRESSIONS
from contracts.model_card import CARD_NAME, ModelCard
from inference_worker.faces.model_choice import shipped_model
from runtime.decoding.opencv import cv2
from tests.e2e.commands import Installation, assert_plain_failure
from tests.litert_models import write_small_model

FACES = Path(__file__).parents[2] / "moodline" / "assets" / "faces"
VOTES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


def face(person: str, emotion: str) -> np.ndarray:
    tile = cv2.imread(str(FACES / f"{person}-{emotion}.png"), cv2.IMREAD_GRAYSCALE)
    assert tile is not None
    return np.asarray(cv2.resize(tile[4:124, 4:124], (48, 48), interpolation=cv2.INTER_AREA))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Kaggle layout with the split `test` only, and FER+ votes."""
    root = tmp_path / "faces"
    with_votes = []
    for person in "abc":
        for emotion in EXPRESSIONS:
            path = root / "test" / emotion / f"{person}-{emotion}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), face(person, emotion))
            votes = {v: 10 * (e == emotion) for v, e in zip(VOTES, EXPRESSIONS, strict=True)}
            with_votes.append({"Image name": path.name, **votes})
    with (root / "labels.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["Image name", *VOTES])
        table.writeheader()
        table.writerows(with_votes)
    return root


def test_a_test_split_is_scored_and_reported(
    installation: Installation, folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    done = installation.run(
        *("model", "evaluate", folder, "--labels", "ferplus", "--json", "--report", report),
        *("--also", folder),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)

    assert result["n"] == 21
    assert result["accuracy"] >= 15 / 21
    assert result["split"] == "test"
    assert set(result["per_class"]) == set(EXPRESSIONS)
    assert sum(map(sum, result["confusion"])) == 21
    assert 0 <= result["ece"] <= 1
    assert result["latency_ms_per_face"] > 0
    assert [one["protocol"] for one in result["protocols"]] == [
        "fer2013",
        "ferplus",
        "ferplus-papers",
    ]
    assert {one["faces"] for one in result["protocols"]} == {21}
    assert result["mean_recall"] == pytest.approx(result["accuracy"], abs=1e-4)
    assert result["people"]["one_vote"] == 1.0
    assert {one["kind"] for one in result["conditions"]} == {
        "",
        "face size",
        "roll",
        "light",
        "blur",
    }
    assert result["other_sets"][str(folder)] == result["protocols"]
    page = report.read_text()
    assert "<svg" in page
    assert "FER+, as papers count" in page and "seen through 24 pixels" in page
    assert "http" not in page.replace("http://www.w3.org", ""), (
        "the report must not load anything from another host"
    )
    shown = installation.run("model", "evaluate", folder, "--degraded", "5")
    assert "FER+, as papers count" in shown.stdout
    assert "seen through 24 pixels" in shown.stdout
    assert "half of the voters" in shown.stdout
    assert list((installation.home / "reports").glob("*.html"))


def test_a_pixel_csv_is_scored(installation: Installation, tmp_path: Path) -> None:
    path = tmp_path / "fer2013.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["emotion", "pixels", "Usage"])
        for number, emotion in enumerate(EXPRESSIONS):
            pixels = " ".join(map(str, face("a", emotion).ravel()))
            table.writerow([number, pixels, "PrivateTest"])

    done = installation.run("model", "evaluate", path, "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["n"] == 7
    assert_plain_failure(installation.run("model", "evaluate", path, "--labels", "ferplus"))


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A list of photographs of average faces, and of one where nobody is."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    rows = []
    for person in "abc":
        for emotion in ("happy", "neutral", "sad"):
            picture = np.full((360, 640), 128, np.uint8)
            tile = cv2.imread(str(FACES / f"{person}-{emotion}.png"), cv2.IMREAD_GRAYSCALE)
            picture[100:228, 200:328] = tile
            name = f"{person}-{emotion}.png"
            cv2.imwrite(str(folder / name), picture)
            rows.append((name, emotion, person, 200, 100, 128, 128))
    cv2.imwrite(str(folder / "nobody.png"), np.full((360, 640), 128, np.uint8))
    rows.append(("nobody.png", "happiness", "c", "", "", "", ""))
    with (folder / "photographs.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "expression", "person", "x", "y", "w", "h"])
        table.writerows(rows)
    return folder / "photographs.csv"


def test_photographs_are_scored_by_group(installation: Installation, photographs: Path) -> None:
    evaluate = ("model", "evaluate", photographs)

    done = installation.run(*evaluate, "--group", "person", "--json")

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["all"]["photographs"] == 10
    assert result["all"]["accuracy"]["value"] == 1.0
    assert result["head"] == "ferplus"
    (table,) = result["groups"]
    assert [(one["group"], one["photographs"]) for one in table["groups"]] == [
        ("a", 3),
        ("b", 3),
        ("c", 4),
    ]
    assert [one["found"]["value"] for one in table["groups"]] == [1.0, 1.0, 0.75]
    shown = installation.run(*evaluate, "--group", "person")
    assert "By person" in shown.stdout and "intervals" in shown.stdout
    failed = installation.run(*evaluate, "--group", "skin")
    assert_plain_failure(failed)
    assert "no column 'skin'" in failed.stderr
    (photographs.parent / "a-happy.png").write_bytes(b"not a picture")
    assert_plain_failure(installation.run(*evaluate))


def test_groups_need_photographs(installation: Installation, folder: Path) -> None:
    assert_plain_failure(installation.run("model", "evaluate", folder, "--group", "age"))


def test_two_models_are_compared_on_the_same_faces(
    installation: Installation, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "copy"
    shutil.copytree(shipped_model(), other)

    done = installation.run(
        *("model", "compare", shipped_model().name, other, "--data", folder, "--json")
    )

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["n"], result["only_a"], result["only_b"], result["p_value"]) == (21, 0, 0, 1.0)
    assert_plain_failure(installation.run("model", "compare", "x", "y", "--data", folder))


def test_a_model_is_calibrated_on_labelled_faces(
    installation: Installation, folder: Path, tmp_path: Path
) -> None:
    ours = tmp_path / "ours"
    calibrate = ("model", "calibrate", shipped_model().name, "--data", folder)

    done = installation.run(*calibrate, "--out", ours)

    assert done.returncode == 0, done.stderr
    assert "ferplus: ECE" in done.stdout
    assert f"MOODLINE_MODEL={ours}" in done.stdout
    card = ModelCard.read(ours)
    assert card.id == "ours" and card.metrics["split"].startswith("test, 21 faces")
    weights = card.version.partition("@")[2]
    assert weights == ModelCard.read(shipped_model()).version.partition("@")[2]
    assert_plain_failure(installation.run(*calibrate, "--out", shipped_model()))
    theirs = shutil.copytree(ours, tmp_path / "theirs")
    described = json.loads((theirs / CARD_NAME).read_text())
    described |= {"id": "theirs", "crop_margin": 0.1, "limits": "Made by others."}
    (theirs / CARD_NAME).write_text(json.dumps(described))
    again = ("model", "calibrate", theirs, "--data", folder)
    assert installation.run(*again, "--out", tmp_path / "again").returncode == 0
    card = ModelCard.read(tmp_path / "again")
    assert card.crop_margin == 0.1 and (card.model_extra or {})["limits"] == "Made by others."
    described["heads"]["other"] = described["heads"].pop("fer2013")
    (theirs / CARD_NAME).write_text(json.dumps(described))
    assert_plain_failure(installation.run(*again, "--out", tmp_path / "never"))
    (folder / "labels.csv").unlink()
    done = installation.run(*calibrate, "--out", tmp_path / "other")
    assert_plain_failure(done)
    assert "no face of this split has ferplus labels" in done.stderr
    assert not (tmp_path / "other").exists()


def test_a_recording_is_read_by_a_model_of_larger_crops(tmp_path: Path) -> None:
    model = write_small_model(tmp_path / "large", 96)
    picture = np.full((360, 640), 128, np.uint8)
    picture[100:228, 200:328] = cv2.imread(str(FACES / "a-happy.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(tmp_path / "face.png"), picture)
    installation = Installation(tmp_path / "home", {"MOODLINE_MODEL": str(model)})

    installation.analyze(tmp_path / "face.png")

    (row,) = installation.exported(tmp_path / "faces.csv").to_dict("records")
    assert row["model_version"] == ModelCard.read(model).version
    assert sum(float(row[name]) for name in EXPRESSIONS) == pytest.approx(1, abs=1e-5)
    assert abs(float(row["yaw"])) < 20 and abs(float(row["roll"])) < 10


def test_models_are_listed(installation: Installation) -> None:
    done = installation.run("model", "list", "--json")
    models = json.loads(done.stdout)["models"]
    assert [model["id"] for model in models if model["in_use"]] == [shipped_model().name]
    shown = installation.run("model", "list").stdout
    heads = [line.split()[-3] for line in shown.splitlines() if "%" in line]
    one = ["ferplus", "fer2013", "ferplus-plain"]
    assert heads == one * len(models), "the recorded one comes first"


def test_near_duplicates_are_counted(
    installation: Installation, folder: Path, tmp_path: Path
) -> None:
    for emotion in EXPRESSIONS:
        for source, split, flip in (("a", "train", False), ("b", "train", False)):
            path = folder / split / emotion / f"{source}-{emotion}-{split}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            picture = face(source, emotion)
            mirrored = picture[:, ::-1] if emotion == "happy" else picture
            cv2.imwrite(str(path), picture if flip else mirrored)

    done = installation.run("model", "leakage", folder, "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["test"]
    assert found["faces"] == 21
    assert found["near_duplicates"] >= 14, "every face of a and b is in train, happy mirrored"


@pytest.mark.parametrize("harm", ["empty", "emotion", "image", "class"])
def test_an_invalid_dataset_is_one_line(
    installation: Installation, folder: Path, harm: str
) -> None:
    if harm == "empty":
        shutil.rmtree(folder / "test")
    elif harm == "emotion":
        (folder / "test" / "happy").rename(folder / "test" / "hungry")
    elif harm == "image":
        (folder / "test" / "happy" / "a-happy.png").write_bytes(b"not a picture")
    else:
        shutil.rmtree(folder / "test" / "fear")

    done = installation.run("model", "evaluate", folder)

    assert_plain_failure(done)
    assert len(done.stderr.strip().splitlines()) == 1
