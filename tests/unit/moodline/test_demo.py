"""The demo's messages when it fails."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from contracts.errors import MoodlineError
from moodline.demo.dashboard import _wait
from moodline.demo.demo import print_scores
from moodline.demo.scenes import scenes
from moodline.demo.scoring import SceneScore


def test_a_failed_demo_says_why_in_a_sentence() -> None:
    out = io.StringIO()
    score = SceneScore(scenes()[0], segments=(), tracks=((1, 2),), seen=(0.5,), strays=3)

    assert not print_scores([score], Console(file=out, width=500))

    (sentence,) = [line for line in out.getvalue().splitlines() if "The demo failed" in line]
    assert "a face was taken for several people" in sentence
    assert "faces were detected where none was" in sentence
    assert "a face was detected in only 50% of its frames" in sentence
    assert "moodline doctor" in sentence


def test_a_dashboard_that_does_not_start_is_named_with_its_reason(tmp_path: Path) -> None:
    log = tmp_path / "up.log"
    log.write_text('{"event": "cannot start the broker", "reason": "no memory"}\n')
    with subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]) as ended:
        ended.wait()
        with pytest.raises(MoodlineError, match="cannot start the broker: no memory") as failure:
            _wait(ended, 1, log, Console(file=io.StringIO()))
    assert "--port 0" in failure.value.hint
