"""`moodline watch`: what a camera sees, read live in the terminal. Nothing is stored.

In this process alone, without broker or database: there is nothing to keep.
"""

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from contracts.errors import SourceError
from contracts.expressions import COLOURS, EXPRESSIONS, UNCERTAIN
from contracts.frame_results import FaceResult, FrameResult
from contracts.frames import FrameMessage
from contracts.settings import Settings
from contracts.times import to_micros
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detect import detector_id, make_detector
from inference_worker.faces.model_choice import chosen_model
from ingest.live.conditions import SEEING, Condition
from ingest.live.opening import describe, open_live
from ingest.live.reader import LiveFrame, LiveReader
from moodline.analysis.run_spec import analysis_options
from moodline.watch.summary import WatchOptions, print_chart, tell
from runtime.stop_signal import raise_if_asked

_BAR_WIDTH: Final = 28
_MAP_SIZE: Final = (44, 12)
_RATE_WEIGHT: Final = 0.1
_TURN_S: Final = 0.25


@dataclass(slots=True)
class _Session:
    """What was seen so far. seconds: person-seconds by smoothed label. states: seconds by state."""

    frames: int = 0
    with_face: int = 0
    tracks: set[int] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)
    states: dict[str, float] = field(default_factory=dict)
    fps: float = 0.0

    def add(self, result: FrameResult) -> None:
        self.frames += 1
        self.with_face += bool(result.faces)
        for face in result.faces:
            self.tracks.add(face.track_id)
            label = face.smoothed_emotion or UNCERTAIN
            self.seconds[label] = self.seconds.get(label, 0.0) + result.dwell_ms / 1000


def watch(settings: Settings, uri: str, options: WatchOptions, console: Console) -> bool:
    """Read the source until Ctrl-C or its end, then say what was seen. Whether there was a picture.

    A stream that is away is tried again and again; the screen says why. Raises SourceError for a
    camera or a file that is not there.
    """
    analyzer = RunAnalyzer(
        make_detector(detector_id(settings.detector)),
        LiteRTClassifier(chosen_model(settings.model), settings.model_head),
        analysis_options(settings),
    )
    session, begin_s = _Session(), time.monotonic()
    screen = Console(stderr=True) if options.as_json else console
    opener = partial(open_live, allowed=settings.allowed_source_hosts)
    with LiveReader(
        uri, fps=options.fps, max_side=settings.max_frame_side, opener=opener
    ) as reader:
        try:
            with Live(console=screen, auto_refresh=False, transient=True) as live:
                _watch(reader, analyzer, session, live, options)
        except KeyboardInterrupt:
            pass  # The usual way to end it.
        condition = reader.condition
        reader.close()
        summary = _summary(uri, session, reader, time.monotonic() - begin_s)
    if reader.ended and not session.frames:
        raise SourceError(condition.reason or f"{describe(uri)} gave no picture")
    tell(summary, options, lambda: _print_summary(summary, condition, console))
    return session.frames > 0


def _watch(
    reader: LiveReader,
    analyzer: RunAnalyzer,
    session: _Session,
    live: Live,
    options: WatchOptions,
) -> None:
    begin_s = before_s = time.monotonic()
    result: FrameResult | None = None
    frame: LiveFrame | None = None
    said = ""
    while options.seconds is None or time.monotonic() - begin_s < options.seconds:
        raise_if_asked()
        taken = reader.take(_TURN_S)
        now_s, condition = time.monotonic(), reader.condition
        state = str(condition.state)
        session.states[state] = session.states.get(state, 0.0) + now_s - before_s
        if taken is not None:
            frame = taken
            (result,) = analyzer.analyze([_message(taken, session.frames + 1, begin_s)])
            session.add(result)
            rate = 1 / max(now_s - before_s, 0.001)
            weight = _RATE_WEIGHT if session.frames > 5 else 0.5
            session.fps += weight * (rate - session.fps)
        elif reader.ended:
            return
        before_s = now_s
        seen = condition.state in SEEING
        if condition.reason and condition.reason != said and not live.console.is_terminal:
            live.console.print(f"{condition.state}: {condition.reason}", soft_wrap=True)
        said = condition.reason
        live.update(_panel(result if seen else None, frame, condition, session.fps), refresh=True)


def _message(frame: LiveFrame, seq: int, begin_s: float) -> FrameMessage:
    return FrameMessage(
        run_id="watch",
        seq=seq,
        frame_index=frame.number - 1,
        media_time_us=round((frame.captured_s - begin_s) * 1e6),
        captured_at_us=to_micros(frame.captured_at),
        width=frame.width,
        height=frame.height,
        display_width=frame.display_width,
        display_height=frame.display_height,
        counters=frame.counters,
        luma=frame.luma,
    )


def _panel(
    result: FrameResult | None, frame: LiveFrame | None, condition: Condition, fps: float
) -> RenderableType:
    if result is None or frame is None:
        line = Text(str(condition.state).replace("_", " "), style="bold yellow")
        return line.append(f"  {condition.reason}", style="not bold default")
    lines: list[RenderableType] = [
        Text(f"{fps:4.0f} fps  Ctrl-C ends it; nothing is stored.", style="dim"),
        _map(result, frame),
    ]
    if not result.faces:
        lines.append(Text("No face in view. Face the camera, with light from the front."))
    for face in result.faces:
        label = face.smoothed_emotion or UNCERTAIN
        lines.append(
            Text(f"\ntrack {face.track_id}: ", style="bold")
            .append(label, style=f"bold {COLOURS[label]}")
            .append(f" {face.smoothed_confidence:.0%}", style="bold")
            .append(f"  quality {face.quality:.2f}", style="dim not bold")
        )
        lines += [
            _bar(name, share) for name, share in zip(EXPRESSIONS, face.probabilities, strict=True)
        ]
    return Group(*lines)


def _map(result: FrameResult, frame: LiveFrame) -> Text:
    """Where the faces are: the picture's frame, and a box with its track's number in each place."""
    wide, high = _MAP_SIZE
    cells = [[" "] * wide for _ in range(high)]
    styles: dict[tuple[int, int], str] = {}
    for face in result.faces:
        left, top, right, bottom = _cells_of(face, frame)
        style = COLOURS[face.smoothed_emotion or UNCERTAIN]
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if row in (top, bottom) or column in (left, right):
                    cells[row][column] = "─" if row in (top, bottom) else "│"
                    styles[row, column] = style
        corners = {(top, left): "┌", (top, right): "┐", (bottom, left): "└", (bottom, right): "┘"}
        for (row, column), corner in corners.items():
            cells[row][column] = corner
        for place, digit in enumerate(str(face.track_id)[: right - left], left + 1):
            cells[top][place] = digit
    text = Text()
    for row, line in enumerate(cells):
        text.append("▏", style="dim")
        for column, cell in enumerate(line):
            text.append(cell, style=styles.get((row, column), ""))
        text.append("▕\n" if row < high - 1 else "▕", style="dim")
    return text


def _cells_of(face: FaceResult, frame: LiveFrame) -> tuple[int, int, int, int]:
    wide, high = _MAP_SIZE
    box = face.box
    left = round(box.x / frame.display_width * (wide - 1))
    right = round((box.x + box.w) / frame.display_width * (wide - 1))
    top = round(box.y / frame.display_height * (high - 1))
    bottom = round((box.y + box.h) / frame.display_height * (high - 1))
    left, top = min(max(left, 0), wide - 2), min(max(top, 0), high - 2)
    return left, top, min(max(right, left + 1), wide - 1), min(max(bottom, top + 1), high - 1)


def _bar(name: str, share: float) -> Text:
    bar = "█" * round(_BAR_WIDTH * share)
    return Text(f"  {name:9}").append(f"{bar:{_BAR_WIDTH}}", COLOURS[name]).append(f" {share:4.0%}")


def _summary(uri: str, session: _Session, reader: LiveReader, seconds: float) -> dict[str, Any]:
    """The documented fields of `--json`."""
    counters = reader.counters()
    return {
        "source": describe(uri),
        "seconds": round(seconds, 1),
        "captured": counters.captured,
        "sampled_out": counters.sampled_out,
        "analyzed": session.frames,
        "dropped": counters.dropped,
        "with_face": session.with_face,
        "tracks": len(session.tracks),
        "emotions": {label: round(value, 1) for label, value in sorted(session.seconds.items())},
        "states": {state: round(value, 1) for state, value in session.states.items()},
    }


def _print_summary(summary: dict[str, Any], condition: Condition, console: Console) -> None:
    frames = summary["analyzed"]
    if not frames:
        why = condition.reason or str(condition.state)
        console.print(f"No picture came from {summary['source']}: {why}", highlight=False)
        return
    tracks = summary["tracks"]
    dropped = ", ".join(f"{count:,} dropped ({why})" for why, count in summary["dropped"].items())
    console.print(
        f"{summary['captured']:,} frames captured, {summary['sampled_out']:,} sampled out, "
        f"{frames:,} analysed{', ' if dropped else ''}{dropped}; a face in "
        f"{summary['with_face'] / frames:.0%} of them, {tracks} track{'s' * (tracks != 1)}.",
        highlight=False,
        soft_wrap=True,
    )
    print_chart(summary["emotions"], console)
