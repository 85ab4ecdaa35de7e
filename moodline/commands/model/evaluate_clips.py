"""`moodline model evaluate-clips`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.errors import DatasetError
from moodline.commands.model.options import ModelOption, model_folder
from moodline.commands.options import JsonOption, command_app
from moodline.commands.session import read_settings

if TYPE_CHECKING:
    from training.scoring.timed import ClipScore, LabelledInterval

app = command_app()


@app.command(
    "evaluate-clips",
    epilog="Example: [cyan]moodline model evaluate-clips interview.mp4 --labels interview.eaf[/]",
)
def evaluate_clips_command(  # noqa: PLR0913, PLR0917  (one parameter per option)
    clips: Annotated[
        list[Path],
        typer.Argument(help="Recordings. The labels of CLIP.mp4 are in CLIP.csv or CLIP.eaf."),
    ],
    labels: Annotated[
        Path | None, typer.Option(help="Label file of the only clip, if it has another name.")
    ] = None,
    tier: Annotated[
        str | None,
        typer.Option(help="Tier of ELAN files. Default: the only one with expressions."),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=0.01, max=240, help="Frames a second to analyse. Default: all."),
    ] = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score video against labelled intervals, frame by frame, by segment and over time."""
    from moodline.evaluation.clip_scores import score_clips
    from moodline.terminal.output import print_json

    settings = read_settings()
    if model is not None:
        folder = str(model_folder(settings, model).absolute())
        settings = settings.model_copy(update={"model": folder})
    labelled = _labelled(clips, labels, tier)
    found = score_clips(settings, labelled, fps)
    if as_json:
        print_json(
            {
                "model": found.model,
                "detector": found.detector,
                **asdict(found.together),
                "clips": {name: asdict(score) for name, score in found.clips.items()},
            }
        )
        return
    for name, score in found.clips.items():
        _print_score(name, score, segments=True)
    if len(found.clips) > 1:
        _print_score("all clips", found.together, segments=False)


def _labelled(
    clips: list[Path], labels: Path | None, tier: str | None
) -> "dict[Path, list[LabelledInterval]]":
    from moodline.evaluation.interval_labels import labels_beside, read_intervals

    if labels is not None and len(clips) != 1:
        raise DatasetError(
            f"--labels belongs to one clip, but there are {len(clips)}",
            hint="Put a file with the clip's name and .csv or .eaf beside each",
        )
    found = {}
    for clip in clips:
        file = labels or labels_beside(clip)
        if file is None or not file.is_file():
            raise DatasetError(
                f"{clip.name} has no labels",
                hint=f"Write {clip.with_suffix('.csv').name} with start_s, end_s, expression",
            )
        found[clip] = read_intervals(file, tier)
    return found


def _print_score(name: str, score: "ClipScore", *, segments: bool) -> None:
    from rich.markup import escape

    from moodline.terminal.output import Screen, new_table

    console = Screen()
    console.print(
        f"[bold]{escape(name)}[/]: {score.labelled_s:,.1f} s of labelled face time, "
        f"{score.tracks} tracks",
        highlight=False,
    )
    columns = ("", "result")
    table = new_table(*columns, right=("result",), header=False)
    table.add_row("right, of labelled time", f"{score.accuracy:.1%}")
    table.add_row("uncertain", f"{score.uncertain:.1%}")
    table.add_row("right, where it is not uncertain", f"{score.certain_accuracy:.1%}")
    table.add_row("mean recall", f"{score.mean_recall:.1%}")
    for label, share in score.recall.items():
        table.add_row(f"  {label}", f"{share:.1%}")
    table.add_row(f"segments right, of {len(score.segments)}", f"{score.segments_right:.1%}")
    table.add_row(f"episodes right, of {score.episodes}", f"{score.episodes_right:.1%}")
    table.add_row("label changes a minute", f"{score.changes_per_minute:.1f}")
    table.add_row("ECE of single frames, by track", f"{score.ece:.3f}")
    table.add_row("ECE of the shown labels, by track", f"{score.ece_shown:.3f}")
    console.print(table)
    if not segments:
        return
    names = ("from", "to", "labelled", "read", "right")
    rows = new_table(*names, right=("from", "to", "right"))
    for one in score.segments:
        rows.add_row(
            f"{one.start_s:.1f} s",
            f"{one.end_s:.1f} s",
            one.expression,
            one.read or "no face",
            f"{one.share:.0%}",
        )
    console.print(rows)
