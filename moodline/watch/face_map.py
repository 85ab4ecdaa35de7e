"""The faces of one frame as text: where they are, and the probabilities of their expressions."""

from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from contracts.expressions import COLOURS, EXPRESSIONS, UNCERTAIN
from contracts.frame_results import FaceResult, FrameResult, TrackMark
from contracts.geometry import HeadPose
from ingest.live.conditions import SourceCondition
from ingest.live.newest_frame import LiveFrame
from runtime.visible_text import visible

_BAR_WIDTH: Final = 28
MAP_SIZE: Final = (44, 12)
"""Columns and rows of the map."""


def frame_panel(
    result: FrameResult | None, frame: LiveFrame | None, condition: SourceCondition, fps: float
) -> RenderableType:
    """Return the map and the faces of the newest frame; without one, the state and its reason."""
    if result is None or frame is None:
        line = Text(str(condition.state).replace("_", " "), style="bold yellow")
        return line.append(f"  {visible(condition.reason)}", style="not bold default")
    lines: list[RenderableType] = [
        Text(f"{fps:4.0f} fps  Press Ctrl-C to stop. Nothing is stored.", style="dim"),
        _face_map(result, frame),
    ]
    if not result.faces:
        lines.append(Text("No face found. Face the camera, with light from the front."))
    for face in result.faces:
        if face.mark is TrackMark.STATIC:
            lines.append(Text(f"\ntrack {face.track_id}: still face, not counted", style="dim"))
            continue
        label = face.smoothed_emotion or UNCERTAIN
        lines.append(
            Text(f"\ntrack {face.track_id}: ", style="bold")
            .append(label, style=f"bold {COLOURS[label]}")
            .append(f" {face.smoothed_confidence:.0%}", style="bold")
            .append(f"  quality {face.quality:.2f}{_pose_text(face.pose)}", style="dim not bold")
        )
        lines.append(Text("smoothed along the track; this frame alone:", style="dim"))
        lines += [
            _bar(name, probability)
            for name, probability in zip(EXPRESSIONS, face.probabilities, strict=True)
        ]
    return Group(*lines)


def cell_box(face: FaceResult, frame: LiveFrame) -> tuple[int, int, int, int]:
    """Return the left, top, right and bottom cell of a face on the map, all within it."""
    columns, rows = MAP_SIZE
    box = face.box
    left = round(box.x / frame.display_width * (columns - 1))
    right = round((box.x + box.w) / frame.display_width * (columns - 1))
    top = round(box.y / frame.display_height * (rows - 1))
    bottom = round((box.y + box.h) / frame.display_height * (rows - 1))
    left, top = min(max(left, 0), columns - 2), min(max(top, 0), rows - 2)
    return left, top, min(max(right, left + 1), columns - 1), min(max(bottom, top + 1), rows - 1)


def _face_map(result: FrameResult, frame: LiveFrame) -> Text:
    """Draw the frame with a box for each face; the box has the number of its track."""
    columns, rows = MAP_SIZE
    cells = [[" "] * columns for _ in range(rows)]
    styles: dict[tuple[int, int], str] = {}
    for face in result.faces:
        _draw_box(face, frame, cells, styles)
    text = Text()
    for row, line in enumerate(cells):
        text.append("▏", style="dim")
        for column, cell in enumerate(line):
            text.append(cell, style=styles.get((row, column), ""))
        text.append("▕\n" if row < rows - 1 else "▕", style="dim")
    return text


def _draw_box(
    face: FaceResult,
    frame: LiveFrame,
    cells: list[list[str]],
    styles: dict[tuple[int, int], str],
) -> None:
    left, top, right, bottom = cell_box(face, frame)
    style = COLOURS[face.smoothed_emotion or UNCERTAIN]
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            if row in (top, bottom) or column in (left, right):
                cells[row][column] = "─" if row in (top, bottom) else "│"
                styles[row, column] = style
    corners = {(top, left): "┌", (top, right): "┐", (bottom, left): "└", (bottom, right): "┘"}
    for (row, column), corner in corners.items():
        cells[row][column] = corner
    for column, digit in enumerate(str(face.track_id)[: right - left], left + 1):
        cells[top][column] = digit


def _pose_text(pose: HeadPose | None) -> str:
    if pose is None:
        return ""
    return f"  roll {pose.roll:.0f}° yaw {pose.yaw:.0f}° pitch {pose.pitch:.0f}°"


def _bar(name: str, probability: float) -> Text:
    bar = "█" * round(_BAR_WIDTH * probability)
    line = Text(f"  {name:9}").append(f"{bar:{_BAR_WIDTH}}", COLOURS[name])
    return line.append(f" {probability:4.0%}")
