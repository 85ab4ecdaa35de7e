"""`moodline demo`: render clips with a known schedule, analyse them, compare read with played."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from analytics.export.columns import COLUMNS
from analytics.export.record_pages import Selection, record_pages
from contracts.errors import MoodlineError
from contracts.expressions import COLOURS, EXPRESSIONS, UNCERTAIN
from contracts.settings import Settings
from ingest.files.discovery import discover
from moodline.analysis.analyze import AnalyzeOptions, run_analysis
from moodline.analysis.report import FileReport, print_report
from moodline.demo.dashboard import fill, serve_demo
from moodline.demo.scenes import FPS, Actor, Scene, Segment, render, scenes
from records.database import open_engine, upgrade

LEAST_SEGMENT_S: Final = 2.0
"""Shorter segments are not scored: a person would not be sure either."""

_SHOWN_LIVE: Final = 1
"""Of the scenes: three people who cross."""
_PLACE: Final = {column.name: i for i, column in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True)
class Reading:
    """A face in a frame, as the records have it."""

    time_s: float
    track_id: int
    x: float
    y: float
    label: str


@dataclass(frozen=True, slots=True)
class SegmentScore:
    """One scheduled segment and what was read in it. share: of its readings, 0..1."""

    scene: str
    person: str
    segment: Segment
    read: str
    share: float

    @property
    def right(self) -> bool:
        return self.read == self.segment.emotion


@dataclass(frozen=True, slots=True)
class SceneScore:
    """One clip compared with its schedule.

    tracks: ids for each actor in turn. seen: share of the frames in view with the face found.
    strays: readings where nobody was.
    """

    scene: Scene
    segments: tuple[SegmentScore, ...]
    tracks: tuple[tuple[int, ...], ...]
    seen: tuple[float, ...]
    strays: int


def run_demo(settings: Settings, keep: Path | None, port: int) -> bool:
    """Render, analyse, print, and serve. Whether the schedule was read back.

    With its own database, so that no demo ends up among real records. port: where the dashboard
    shows them until Ctrl-C; 0: nowhere.
    """
    console = Console()
    begin = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="moodline-demo-"))
    try:
        clips = keep or folder
        clips.mkdir(parents=True, exist_ok=True)
        played = scenes()
        console.print(f"Rendering {len(played)} clips of faces that belong to no one.")
        paths = [clips / f"{scene.name}.mp4" for scene in played]
        for scene, path in zip(played, paths, strict=True):
            render(scene, path)
        own = settings.model_copy(update={"home": folder, "database_url": ""})
        engine = open_engine(own.effective_database_url)
        upgrade(engine)
        reports = run_analysis(
            own, engine, discover([str(path) for path in paths]), AnalyzeOptions()
        )
        failed = [report for report in reports if report.error]
        if failed:
            raise MoodlineError(f"{failed[0].path}: {failed[0].error}")
        print_report(engine, reports, console)
        scores = score_scenes(engine, played, reports)
        passed = print_scores(scores, console)
        console.print(
            f"Rendered, analysed and compared in {time.monotonic() - begin:.0f} s."
            + (f" The clips are in {keep}." if keep else ""),
            highlight=False,
        )
        if port:
            fill(engine, paths[_SHOWN_LIVE])
        engine.dispose()
        if port:
            serve_demo(folder, port, console)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return passed


def score_scenes(
    engine: Engine, played: Sequence[Scene], reports: Sequence[FileReport]
) -> list[SceneScore]:
    """Each clip's records against its schedule."""
    scores = []
    for scene, report in zip(played, reports, strict=True):
        assert report.summary is not None
        scores.append(score_scene(scene, readings_of(engine, report.summary.run_id)))
    return scores


def readings_of(engine: Engine, run_id: str) -> list[Reading]:
    """Every face of a run, in order."""
    readings = []
    for page in record_pages(engine, Selection(run_ids=(run_id,))):
        for row in page:
            x, y, w, h = (float(row[_PLACE[name]]) for name in ("x", "y", "w", "h"))
            readings.append(
                Reading(
                    time_s=row[_PLACE["media_time_s"]] / 1e6,
                    track_id=row[_PLACE["track_id"]],
                    x=x + w / 2,
                    y=y + h / 2,
                    label=row[_PLACE["smoothed_emotion"]] or UNCERTAIN,
                )
            )
    return readings


def score_scene(scene: Scene, readings: Sequence[Reading]) -> SceneScore:
    """Compare; a reading belongs to the actor on whose face its centre lies."""
    theirs: list[list[Reading]] = [[] for _ in scene.actors]
    strays = 0
    for reading in readings:
        owner = next((i for i, a in enumerate(scene.actors) if _is_of(a, reading)), None)
        if owner is None:
            strays += 1
        else:
            theirs[owner].append(reading)
    return SceneScore(
        scene=scene,
        segments=tuple(
            _segment_score(scene, actor, segment, own)
            for actor, own in zip(scene.actors, theirs, strict=True)
            for segment in actor.segments
            if segment.end_s - segment.start_s >= LEAST_SEGMENT_S
        ),
        tracks=tuple(tuple(dict.fromkeys(r.track_id for r in own)) for own in theirs),
        seen=tuple(
            len(own) / max(1, round((actor.leaves_s - actor.enters_s) * FPS))
            for actor, own in zip(scene.actors, theirs, strict=True)
        ),
        strays=strays,
    )


def _is_of(actor: Actor, reading: Reading) -> bool:
    if not actor.in_view(reading.time_s + 1e-6):
        return False
    pose = actor.pose(reading.time_s)
    return max(abs(reading.x - pose.x), abs(reading.y - pose.y)) < pose.side / 2


def _segment_score(
    scene: Scene, actor: Actor, segment: Segment, own: Sequence[Reading]
) -> SegmentScore:
    labels = Counter(
        r.label for r in own if segment.start_s <= r.time_s + 1e-6 < segment.end_s
    ).most_common()
    read, count = labels[0] if labels else ("nothing", 0)
    total = sum(n for _, n in labels)
    return SegmentScore(scene.name, actor.person, segment, read, count / total if total else 0.0)


def expressions_read_back(scores: Sequence[SceneScore]) -> list[str]:
    """The expressions that were read right in every segment in which they were played."""
    segments = [segment for score in scores for segment in score.segments]
    return [
        emotion
        for emotion in EXPRESSIONS
        if all(s.right for s in segments if s.segment.emotion == emotion)
    ]


def print_scores(scores: Sequence[SceneScore], console: Console) -> bool:
    """The table of played against read, and the verdict. Whether all held."""
    console.print("\n[bold]What was played, and what was read[/]")
    console.print(_segment_table(scores))
    right = expressions_read_back(scores)
    one_track = all(len(tracks) == 1 for score in scores for tracks in score.tracks)
    strays = sum(score.strays for score in scores)
    seen = [share for score in scores for share in score.seen]
    checks = [
        (len(right) >= 6, f"{len(right)} of 7 expressions read as played in every segment"),
        (one_track, "each face was one track while in view"),
        (strays == 0, f"{strays} faces read where nobody was, the empty room included"),
        (min(seen) > 0.7, f"faces found in {100 * min(seen):.0f} % or more of their time in view"),
    ]
    for holds, text in checks:
        console.print(f"  {'[green]yes[/]' if holds else '[red] no[/]'}  {text}", highlight=False)
    missed = [emotion for emotion in EXPRESSIONS if emotion not in right]
    if missed:
        console.print(
            f"       Not read as played: {', '.join(missed)}. docs/model.md shows what the model\n"
            "       takes for what, and how often.",
            highlight=False,
        )
    return all(holds for holds, _ in checks)


def _segment_table(scores: Sequence[SceneScore]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("clip", "face", "seconds", "played", "read", "of the time"):
        table.add_column(name, justify="right" if name == "of the time" else "left")
    for score in scores:
        for one in score.segments:
            segment = one.segment
            table.add_row(
                one.scene,
                one.person,
                f"{segment.start_s:4.1f} to {segment.end_s:4.1f}",
                Text(segment.emotion, style=COLOURS[segment.emotion]),
                Text(one.read, style=COLOURS.get(one.read, "red") if one.right else "bold red"),
                f"{100 * one.share:.0f} %",
            )
        if not score.segments:
            faces = "no face" if not score.strays else f"{score.strays} faces"
            table.add_row(score.scene.name, "", f" 0.0 to {score.scene.seconds:4.1f}", "", faces)
    return table
