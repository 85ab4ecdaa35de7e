"""`moodline watch URI`: read a source that was not added, in this process alone.

It needs no broker and no database, because it stores nothing.
"""

import time
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from contracts.errors import SourceError
from contracts.expressions import UNCERTAIN
from contracts.frame_results import FrameResult, TrackMark
from contracts.frames import FrameMessage
from contracts.live_sources import LiveState
from contracts.settings import Settings
from contracts.times import to_micros
from inference_worker.faces.analysis import RunAnalyzer
from inference_worker.faces.classify import LiteRTClassifier
from inference_worker.faces.detectors.choice import chosen_detector
from inference_worker.faces.model_choice import chosen_model
from ingest.decoding_limits import DecodingLimits
from ingest.live.conditions import SourceCondition
from ingest.live.newest_frame import LiveFrame
from ingest.live.opening import open_live
from ingest.live.pacing import dwell_limit_us
from ingest.live.reader import LiveReader
from ingest.live.uris import describe
from ingest.picture_view import PictureView
from moodline.analysis.run_spec import analysis_spec
from moodline.terminal.output import Screen
from moodline.watch.face_map import frame_panel
from moodline.watch.summary import (
    WatchOptions,
    print_chart,
    print_frame_counts,
    report_summary,
    rounded,
)
from runtime.decoding.memory_limit import limited_memory
from runtime.stop_signal import raise_pending_interrupt
from runtime.visible_text import visible

_RATE_WEIGHT: Final = 0.1
_FIRST_RATE_WEIGHT: Final = 0.5
_FIRST_FRAMES: Final = 5
_STEP_S: Final = 0.25


@dataclass(slots=True)
class WatchTotals:
    """The totals so far. states: seconds by state.

    marks, seconds_of: by track; seconds_of: person-seconds by smoothed label.
    """

    frames: int = 0
    with_face: int = 0
    marks: dict[int, TrackMark] = field(default_factory=dict)
    seconds_of: dict[int, dict[str, float]] = field(default_factory=dict)
    states: dict[str, float] = field(default_factory=dict)
    fps: float = 0.0

    def add(self, result: FrameResult, elapsed_s: float) -> None:
        """Add a frame. elapsed_s: since the frame before, for the frame rate."""
        self.frames += 1
        self.with_face += any(face.mark is not TrackMark.STATIC for face in result.faces)
        for face in result.faces:
            self.marks[face.track_id] = face.mark
            seconds = self.seconds_of.setdefault(face.track_id, {})
            label = face.smoothed_emotion or UNCERTAIN
            seconds[label] = seconds.get(label, 0.0) + result.dwell_ms / 1000
        self.marks |= result.marks
        weight = _RATE_WEIGHT if self.frames > _FIRST_FRAMES else _FIRST_RATE_WEIGHT
        self.fps += weight * (1 / max(elapsed_s, 0.001) - self.fps)

    @property
    def tracks(self) -> list[int]:
        """The tracks that count."""
        return [track for track in self.seconds_of if self.marks[track].counts]

    @property
    def seconds(self) -> dict[str, float]:
        """Person-seconds by smoothed label, of the tracks that count."""
        sums: dict[str, float] = {}
        for track in self.tracks:
            for label, seconds in self.seconds_of[track].items():
                sums[label] = sums.get(label, 0.0) + seconds
        return sums


def watch(settings: Settings, uri: str, options: WatchOptions, console: Console) -> bool:
    """Show the source until Ctrl-C or its end, then its summary. Return whether a frame came.

    A stream that is away is tried again, and the screen shows why. Raises SourceError for a
    camera or a file that does not exist.
    """
    spec = analysis_spec(settings, pictures=options.pictures, live=True)
    analyzer = RunAnalyzer(
        chosen_detector(settings),
        LiteRTClassifier(chosen_model(settings.model), settings.model_head),
        spec.options,
    )
    totals, begin_s = WatchTotals(), time.monotonic()
    screen = Screen(stderr=True) if options.as_json else console
    limits = DecodingLimits(settings.max_source_megapixels)
    opener = partial(open_live, allowed=settings.source_hosts, limits=limits)
    with (
        limited_memory(settings.source_memory_mb),
        LiveReader(
            uri,
            fps=options.fps,
            max_side=settings.max_frame_side,
            view=PictureView.of(spec.options),
            opener=opener,
        ) as reader,
    ):
        try:
            with Live(console=screen, auto_refresh=False, transient=True) as live:
                _watch(reader, analyzer, totals, live, options)
        except KeyboardInterrupt:
            pass  # The usual way to stop.
        condition = reader.condition
        reader.close()
        summary = _summary(uri, totals, reader, time.monotonic() - begin_s)
    if reader.ended and not totals.frames:
        raise SourceError(_reason(condition) or f"{describe(uri)} delivers no frame")
    reason = _reason(condition) or str(condition.state)
    report_summary(summary, options, lambda: _print_summary(summary, reason, console))
    return totals.frames > 0


def _watch(
    reader: LiveReader,
    analyzer: RunAnalyzer,
    totals: WatchTotals,
    live: Live,
    options: WatchOptions,
) -> None:
    begin_s = before_s = time.monotonic()
    result: FrameResult | None = None
    frame: LiveFrame | None = None
    printed_reason = ""
    while options.seconds is None or time.monotonic() - begin_s < options.seconds:
        raise_pending_interrupt()
        taken = reader.take(_STEP_S)
        now_s, condition = time.monotonic(), reader.condition
        state = str(condition.state)
        totals.states[state] = totals.states.get(state, 0.0) + now_s - before_s
        if taken is not None:
            frame = taken
            (result,) = analyzer.analyze([_message(taken, totals.frames + 1, begin_s, options.fps)])
            totals.add(result, now_s - before_s)
        elif reader.ended:
            return
        before_s = now_s
        is_new_reason = condition.reason and condition.reason != printed_reason
        if is_new_reason and not live.console.is_terminal:
            line = Text(visible(f"{condition.state}: {condition.reason}"))
            live.console.print(line, soft_wrap=True)
        printed_reason = condition.reason
        shown = result if condition.state is LiveState.STREAMING else None
        live.update(frame_panel(shown, frame, condition, totals.fps), refresh=True)


def _reason(condition: SourceCondition) -> str:
    return f"{condition.reason} ({condition.detail})" if condition.detail else condition.reason


def _message(frame: LiveFrame, seq: int, begin_s: float, fps: float | None) -> FrameMessage:
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
        dwell_limit_us=dwell_limit_us(fps),
    )


def _summary(uri: str, totals: WatchTotals, reader: LiveReader, seconds: float) -> dict[str, Any]:
    """Return the documented fields of `--json`."""
    counters = reader.counters()
    return {
        "source": describe(uri),
        "seconds": round(seconds, 1),
        "captured": counters.captured,
        "sampled_out": counters.sampled_out,
        "analyzed": totals.frames,
        "dropped": counters.dropped,
        "with_face": totals.with_face,
        "tracks": len(totals.tracks),
        "emotions": rounded(dict(sorted(totals.seconds.items()))),
        "states": rounded(totals.states),
    }


def _print_summary(summary: dict[str, Any], reason: str, console: Console) -> None:
    frames = summary["analyzed"]
    if not frames:
        console.print(Text(visible(f"{summary['source']} delivered no frame: {reason}")))
        return
    tracks = summary["tracks"]
    end = (
        f"; a face in {summary['with_face'] / frames:.0%} of them, "
        f"{tracks} track{'s' * (tracks != 1)}"
    )
    print_frame_counts(summary, "", end, console)
    print_chart(summary["emotions"], console)
