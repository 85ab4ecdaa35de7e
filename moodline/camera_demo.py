"""`moodline demo --camera`: what a webcam sees, read live in the terminal. Nothing is stored.

In this process alone, without broker or database: there is nothing to keep.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from contracts.emotions import EMOTIONS, UNCERTAIN
from contracts.errors import SourceError
from contracts.frames import Counters, FrameMessage
from contracts.jobs import AnalysisOptions
from contracts.results import FaceResult, FrameResult
from contracts.settings import Settings
from inference_worker.analysis import RunAnalyzer
from inference_worker.classify import LiteRTClassifier, shipped_model
from inference_worker.detect import detector_id, make_detector
from moodline.strip import COLOURS

_BAR_WIDTH: Final = 28
_RATE_WEIGHT: Final = 0.1


@dataclass(slots=True)
class _Session:
    """What was seen so far, for the summary. seconds: person-seconds by smoothed label."""

    frames: int = 0
    with_face: int = 0
    tracks: set[int] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, result: FrameResult) -> None:
        self.frames += 1
        self.with_face += bool(result.faces)
        for face in result.faces:
            self.tracks.add(face.track_id)
            label = face.smoothed_emotion or UNCERTAIN
            self.seconds[label] = self.seconds.get(label, 0.0) + result.dwell_ms / 1000


def run_camera(settings: Settings, camera: str, console: Console) -> bool:
    """Read the camera until Ctrl-C, or the end of a video file; then print what was seen."""
    analyzer = RunAnalyzer(
        make_detector(detector_id(settings.detector)),
        LiteRTClassifier(Path(settings.model) if settings.model else shipped_model()),
        AnalysisOptions(
            smoothing_s=settings.smoothing_s,
            uncertain_below=settings.uncertain_below,
            min_face_px=settings.min_face_px,
            max_frame_side=settings.max_frame_side,
        ),
    )
    session = _Session()
    try:
        with (
            _opened(camera) as pictures,
            Live(console=console, refresh_per_second=12, transient=True) as live,
        ):
            _watch(pictures, analyzer, session, live)
    except KeyboardInterrupt:
        pass  # The usual way to end it.
    _print_session(session, console)
    return session.frames > 0


def _watch(
    pictures: "Iterator[npt.NDArray[np.uint8]]",
    analyzer: RunAnalyzer,
    session: _Session,
    live: Live,
) -> None:
    begin_ns, before_ns, fps = time.monotonic_ns(), time.monotonic_ns(), 0.0
    for number, luma in enumerate(pictures, 1):
        now_ns = time.monotonic_ns()
        (result,) = analyzer.analyze([_message(luma, number, (now_ns - begin_ns) // 1000)])
        session.add(result)
        rate = 1e9 / max(now_ns - before_ns, 1)
        fps, before_ns = (fps + _RATE_WEIGHT * (rate - fps)) if number > 2 else rate, now_ns
        live.update(_panel(result.faces, fps))


@contextmanager
def _opened(camera: str) -> "Iterator[Iterator[npt.NDArray[np.uint8]]]":
    # What goes wrong is said below, in one line.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    capture = (
        cv2.VideoCapture(int(camera), cv2.CAP_V4L2)
        if camera.isdecimal()
        else cv2.VideoCapture(camera)
    )
    try:
        if not capture.isOpened():
            raise SourceError(
                f"camera {camera} cannot be opened",
                hint="Check that it is plugged in, that no other program uses it, and that you "
                "may read /dev/video*",
            )
        yield _pictures(capture)
    finally:
        capture.release()


def _pictures(capture: cv2.VideoCapture) -> "Iterator[npt.NDArray[np.uint8]]":
    while True:
        read, picture = capture.read()
        if not read:
            return
        yield np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def _message(luma: npt.NDArray[np.uint8], number: int, time_us: int) -> FrameMessage:
    height, width = luma.shape
    return FrameMessage(
        run_id="camera",
        seq=number,
        frame_index=number - 1,
        media_time_us=time_us,
        captured_at_us=time.time_ns() // 1000,
        width=width,
        height=height,
        display_width=width,
        display_height=height,
        counters=Counters(captured=number),
        luma=luma.tobytes(),
    )


def _panel(faces: tuple[FaceResult, ...], fps: float) -> Group:
    lines = [Text(f"{fps:4.0f} fps  Ctrl-C ends it; nothing is stored.", style="dim")]
    if not faces:
        lines.append(Text("No face in view. Face the camera, with light from the front."))
    for face in faces:
        label = face.smoothed_emotion or UNCERTAIN
        lines.append(
            Text(f"\nface {face.track_id}: ", style="bold")
            .append(label, style=f"bold {COLOURS[label]}")
            .append(f"  quality {face.quality:.2f}", style="dim not bold")
        )
        lines += [
            _bar(name, share) for name, share in zip(EMOTIONS, face.probabilities, strict=True)
        ]
    return Group(*lines)


def _bar(name: str, share: float) -> Text:
    bar = "█" * round(_BAR_WIDTH * share)
    return Text(f"  {name:9}").append(f"{bar:{_BAR_WIDTH}}", COLOURS[name]).append(f" {share:4.0%}")


def _print_session(session: _Session, console: Console) -> None:
    if not session.frames:
        console.print("The camera gave no picture.")
        return
    console.print(
        f"{session.frames:,} frames, a face in {session.with_face / session.frames:.0%} of them, "
        f"{len(session.tracks)} track{'s' * (len(session.tracks) != 1)}.",
        highlight=False,
    )
    total = sum(session.seconds.values())
    for label, seconds in sorted(session.seconds.items(), key=lambda item: -item[1]):
        bar = "█" * round(_BAR_WIDTH * seconds / total) if total else ""
        line = Text(f"  {label:10}").append(f"{bar:{_BAR_WIDTH}}", COLOURS[label])
        console.print(line.append(f" {seconds:.1f} person-seconds"))
