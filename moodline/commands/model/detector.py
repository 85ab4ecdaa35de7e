"""`moodline detector`: the face detectors of this installation."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from moodline.commands.options import JsonOption, group_app
from moodline.commands.session import read_settings

if TYPE_CHECKING:
    from contracts.settings import DetectorName, Settings

app = group_app("List face detectors, and add one that is not included.")


class AddedDetector(StrEnum):
    """The networks that can be added: a detector, and those for MOODLINE_LANDMARKS."""

    YUNET = "yunet"
    LANDMARKS = "landmarks"


_ABOUT: Final = {
    "centerface": "upright, tilted, small, dim and partly covered faces",
    "haar": "upright, lit faces that look towards the camera",
    "haar-equalized": "like haar, for dark pictures; a few more false faces",
    "yunet": "upright faces in any light, at little cost; a file that you add",
}


@dataclass(frozen=True, slots=True)
class ListedDetector:
    """A detector in the list. id: to which runs are pinned; None if it is not installed.

    problem: why it cannot be used; "" if it can.
    """

    name: str
    id: str | None
    finds: str
    in_use: bool
    problem: str


@app.command("list", epilog="Example: [cyan]moodline detector list[/]")
def detector_list(as_json: JsonOption = False) -> None:
    """List the face detectors, which one new runs use, and which cannot be used here."""
    from contracts.settings import DetectorName
    from moodline.terminal.output import Screen, new_table, print_json

    settings = read_settings()
    detectors = [_listed(name, settings) for name in DetectorName]
    if as_json:
        print_json({"detectors": detectors})
        return
    table = new_table("", "detector", "id", "finds", whole=["detector", "id"])
    for one in detectors:
        mark = "*" if one.in_use else ""
        table.add_row(mark, one.name, one.id or "not installed", one.finds)
    screen = Screen()
    screen.print(table)
    for one in detectors:
        if one.in_use and one.problem:
            screen.print(one.problem, style="red")


def _listed(name: "DetectorName", settings: "Settings") -> ListedDetector:
    from contracts.errors import MoodlineError
    from inference_worker.faces.detectors.choice import detector_id, make_detector

    pinned_id, problem = None, ""
    try:
        pinned_id = detector_id(name, settings.yunet_path)
        make_detector(pinned_id, settings.yunet_path)
    except MoodlineError as exc:
        pinned_id, problem = None, exc.line()
    return ListedDetector(name, pinned_id, _ABOUT[name], name == settings.detector, problem)


@app.command("add", epilog="Example: [cyan]moodline detector add yunet[/]")
def detector_add(
    name: Annotated[AddedDetector, typer.Argument(help="What to add.")],
    url: Annotated[
        str, typer.Option(help="Address of the file, such as a mirror. Default: its publisher's.")
    ] = "",
) -> None:
    """Download a detector, or landmarks, that moodline does not include into MOODLINE_HOME.

    The file is checked by its hash, whatever the address. The download can be repeated.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from inference_worker.faces.detectors import yunet_file
    from inference_worker.faces.landmarks import task_file
    from moodline.analysis.detector_download import download
    from moodline.terminal.output import Screen, print_line

    settings = read_settings()
    is_yunet = name is AddedDetector.YUNET
    published = yunet_file if is_yunet else task_file
    file = "yunet.onnx" if is_yunet else "face_landmarker.task"
    path = settings.home_path / "detectors" / file
    columns = (TextColumn(f"downloading {name}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Screen(stderr=True), transient=True) as progress:
        task = progress.add_task("")
        download(
            url or published.PUBLISHED_URL,
            path,
            published.PUBLISHED_SHA256,
            largest_bytes=published.LARGEST_BYTES,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    use = f"MOODLINE_DETECTOR={name}" if is_yunet else "MOODLINE_LANDMARKS=on"
    print_line(f"{name} is in {path}. To use it for new runs, set {use}.")
    variable = "MOODLINE_YUNET_FILE" if is_yunet else "MOODLINE_LANDMARKS_FILE"
    other = settings.yunet_file if is_yunet else settings.landmarks_file
    if other:
        print_line(f"{variable} names another file, {other}: it goes first.")
