"""`moodline demo`: render clips with scripted expressions, analyse them, compare, and show them."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.errors import MoodlineError
from contracts.expressions import COLOURS, EXPRESSIONS
from contracts.settings import Settings
from ingest.files.discovery import discover
from moodline.analysis.analyze import AnalyzeRequest, run_analysis
from moodline.analysis.report import print_report
from moodline.demo.dashboard import add_demo_history, serve_demo
from moodline.demo.scenes import render, scenes
from moodline.demo.scoring import SceneScore, correct_expressions, score_scenes
from moodline.terminal.output import Screen, new_table
from records.database import open_engine
from records.schema import upgrade

_LIVE_CLIP: Final = 1
"""The scene that the demo camera plays: three people who cross."""
_MIN_CORRECT: Final = 6
_MIN_SEEN: Final = 0.7


def run_demo(settings: Settings, keep: Path | None, port: int) -> bool:
    """Render the clips, analyse them, print the comparison, and open the dashboard.

    It has a database of its own, so that its results are never among real ones. keep: folder for
    the clips, or None. port: of the dashboard, which runs until Ctrl-C; 0 for no dashboard.
    Returns whether the script was read back. Raises MoodlineError.
    """
    console = Screen()
    begin = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="moodline-demo-"))
    try:
        clips = keep or folder / "clips"
        clips.mkdir(parents=True, exist_ok=True)
        scripted = scenes()
        console.print(f"Rendering {len(scripted)} clips with faces that show no real person.")
        paths = [clips / f"{scene.name}.mp4" for scene in scripted]
        for scene, path in zip(scripted, paths, strict=True):
            render(scene, path)
        demo_settings = settings.model_copy(update={"home": folder, "database_url": ""})
        engine = open_engine(demo_settings.effective_database_url)
        upgrade(engine)
        reports = run_analysis(
            demo_settings, engine, discover([str(path) for path in paths]), AnalyzeRequest()
        )
        failed = [report for report in reports if report.error]
        if failed:
            raise MoodlineError(f"{failed[0].path}: {failed[0].error}")
        print_report(engine, reports, console)
        scores = score_scenes(engine, scripted, reports)
        passed = print_scores(scores, console)
        console.print(
            f"Finished in {time.monotonic() - begin:.0f} s."
            + (f" The clips are in {keep}." if keep else ""),
            highlight=False,
        )
        if port:
            add_demo_history(engine, paths[_LIVE_CLIP])
        engine.dispose()
        if port:
            serve_demo(folder, clips, port, console)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return passed


def print_scores(scores: Sequence[SceneScore], console: Console) -> bool:
    """Print the comparison and the checks. Return whether all checks passed."""
    console.print("\n[bold]Scripted and detected expressions[/]")
    console.print(_segment_table(scores))
    correct = correct_expressions(scores)
    one_track = all(len(tracks) == 1 for score in scores for tracks in score.tracks)
    strays = sum(score.strays for score in scores)
    seen = [share for score in scores for share in score.seen]
    checks = [
        (
            len(correct) >= _MIN_CORRECT,
            f"{len(correct)} of {len(EXPRESSIONS)} expressions detected in every segment",
            f"fewer than {_MIN_CORRECT} expressions were detected in every segment",
        ),
        (
            one_track,
            "each face was a single track while it was in view",
            "a face was taken for several people",
        ),
        (
            strays == 0,
            f"{strays} faces detected where no face was",
            "faces were detected where none was",
        ),
        (
            min(seen) > _MIN_SEEN,
            f"each face detected in at least {min(seen):.0%} of its frames",
            f"a face was detected in only {min(seen):.0%} of its frames",
        ),
    ]
    for passed, text, _ in checks:
        console.print(f"  {'[green]yes[/]' if passed else '[red] no[/]'}  {text}", highlight=False)
    missed = [emotion for emotion in EXPRESSIONS if emotion not in correct]
    if missed:
        console.print(
            f"       Not detected in every segment: {', '.join(missed)}. docs/model.md shows how\n"
            "       often the model confuses which expressions.",
            highlight=False,
        )
    failures = [failure for passed, _, failure in checks if not passed]
    if failures:
        console.print(
            f"[bold red]The demo failed:[/] {'; '.join(failures)}. This installation analyses "
            "differently from the one that moodline was tested with: `moodline doctor` checks it.",
            highlight=False,
        )
    return not failures


def _segment_table(scores: Sequence[SceneScore]) -> Table:
    names = ("clip", "face", "seconds", "scripted", "detected", "share")
    table = new_table(*names, right=["share"])
    for score in scores:
        for one in score.segments:
            segment = one.segment
            table.add_row(
                one.scene,
                one.person,
                f"{segment.start_s:4.1f} to {segment.end_s:4.1f}",
                Text(segment.emotion, style=COLOURS[segment.emotion]),
                Text(one.read, style=COLOURS.get(one.read, "red") if one.correct else "bold red"),
                f"{100 * one.share:.0f} %",
            )
        if not score.segments:
            faces = "no face" if not score.strays else f"{score.strays} faces"
            table.add_row(score.scene.name, "", f" 0.0 to {score.scene.seconds:4.1f}", "", faces)
    return table
