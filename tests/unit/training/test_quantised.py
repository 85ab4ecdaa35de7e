"""The command that fine-tunes an int8 artifact: bad input is refused before the work begins."""

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import DatasetError
from tests.litert_models import FLOAT_MODEL
from training.quantised.__main__ import main
from training.quantised.tuning import AnsweredView, Tuning, tuned


@pytest.mark.parametrize(
    ("out", "epochs", "said"),
    [
        (str(FLOAT_MODEL), "1", "is the folder of the float artifact itself"),
        (f"{FLOAT_MODEL}/../{FLOAT_MODEL.name}", "1", "of the float artifact itself"),
        ("elsewhere", "0", "--epochs must be a number above 0"),
        ("elsewhere", "nan", "--epochs must be a number above 0"),
        ("elsewhere", "inf", "--epochs must be a number above 0"),
    ],
)
def test_the_float_artifact_is_never_overwritten_and_epochs_are_some(
    out: str, epochs: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(FLOAT_MODEL), "--data", str(tmp_path), "--out", out, "--epochs", epochs]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_too_few_faces_are_refused() -> None:
    few = AnsweredView(np.zeros((9, 48, 48), np.uint8), ())
    with pytest.raises(DatasetError, match="9 training faces make no step of 64 faces"):
        tuned(None, [few], Tuning())
