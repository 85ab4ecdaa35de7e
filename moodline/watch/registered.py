"""`moodline watch NAME`: the newest frames of a source that moodline reads, from the broker."""

import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from rich.color import Color
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.style import Style
from rich.text import Text
from sqlalchemy import Engine

from analytics.now.live_status import UNSUPERVISED, live_status, observed_state
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.heartbeats import Heartbeats
from broker.live_view import FaceReading, SourceView
from broker.presence import read_heartbeats
from broker.reports import SourceReport
from contracts.errors import BrokerError, MoodlineError, SourceError
from contracts.expressions import COLOURS, EXPRESSIONS, UNCERTAIN
from contracts.settings import Settings
from contracts.times import EPOCH, utc_now
from moodline.stack.running_stack import running_broker
from moodline.terminal.output import Screen
from moodline.watch.summary import (
    WatchOptions,
    print_chart,
    print_frame_counts,
    report_summary,
    rounded,
)
from records.broker_key import read_broker_key
from records.runs.content_masks import is_masked_as_now
from runtime.decoding.opencv import cv2, decode_picture
from runtime.stop_signal import raise_pending_interrupt
from runtime.visible_text import visible

_POLL_S: Final = 0.25
_COLUMNS: Final = 72
_BAR_WIDTH: Final = 20
_LONGEST_DWELL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A source that moodline reads."""

    engine: Engine
    bus: Bus
    name: str

    def view(self) -> SourceView | None:
        """Return its newest view, whose picture is empty unless it has the masks of now."""
        view = SourceView.newest(self.bus, self.name)
        if view is None or not view.picture:
            return view
        with suppress(MoodlineError):  # Else the masks are not known: the faces are still shown.
            if in_snapshot(self.engine, is_masked_as_now, self.name, view.run_id):
                return view
        return replace(view, picture=b"")


@dataclass(slots=True)
class ViewTotals:
    """The totals of the views so far.

    states: seconds by state. emotions: person-seconds by smoothed label; a view counts until the
    next one, for a second at most.
    """

    views: int = 0
    tracks: set[int] = field(default_factory=set)
    states: dict[str, float] = field(default_factory=dict)
    emotions: dict[str, float] = field(default_factory=dict)
    last: SourceView | None = None

    def add(self, view: SourceView) -> None:
        """Add the next view."""
        self.views += 1
        self.tracks |= {reading.track_id for reading in view.readings}
        if self.last is not None:
            passed_s = (view.captured_at_us - self.last.captured_at_us) / 1e6
            for reading in self.last.readings:
                label = reading.emotion or UNCERTAIN
                spent_s = min(max(passed_s, 0.0), _LONGEST_DWELL_S)
                self.emotions[label] = self.emotions.get(label, 0.0) + spent_s
        self.last = view


def watch_source(
    settings: Settings, engine: Engine, name: str, options: WatchOptions, console: Console
) -> bool:
    """Show the source until Ctrl-C, then its summary. Return whether a view came.

    Raises SourceError if nothing runs that could read it.
    """
    url = running_broker(settings)
    if not url:
        raise SourceError(f"{name} is not being read", hint="Start `moodline up`")
    bus, totals = Bus.connect(url, read_broker_key(engine)), ViewTotals()
    screen = Screen(stderr=True) if options.as_json else console
    try:
        with Live(console=screen, auto_refresh=False, transient=True) as live:
            _watch(Watched(engine, bus, name), totals, live, options.seconds)
    except KeyboardInterrupt:
        pass  # The usual way to stop.
    heartbeats: Heartbeats | None = None
    with suppress(BrokerError):  # Else the state is not known.
        heartbeats = read_heartbeats(bus)
    bus.close()
    statuses = in_snapshot(engine, live_status, heartbeats)
    now = asdict(next(one for one in statuses if one.name == name)) | {
        "views": totals.views,
        "tracks": len(totals.tracks),
        "states": rounded(totals.states),
        "emotions": rounded(dict(sorted(totals.emotions.items()))),
    }
    report_summary(now, options, lambda: _print_summary(now, console))
    return totals.views > 0


def _watch(watched: Watched, totals: ViewTotals, live: Live, seconds: float | None) -> None:
    name = watched.name
    begin_s = before_s = time.monotonic()
    printed_reason = ""
    while seconds is None or time.monotonic() - begin_s < seconds:
        raise_pending_interrupt()
        view, heartbeats = watched.view(), read_heartbeats(watched.bus)
        report = next((one for one in heartbeats.sources if one.id == name), None)
        state, reason = UNSUPERVISED, "no service reads it. Start `moodline up`"
        if report is not None:
            seen_at = None if view is None else utc_now()
            seen = observed_state(report, heartbeats.held_runs, seen_at)
            state, reason = seen.state, seen.reason
        now_s = time.monotonic()
        totals.states[state] = totals.states.get(state, 0.0) + now_s - before_s
        before_s = now_s
        if view is not None and (
            totals.last is None or view.captured_at_us != totals.last.captured_at_us
        ):
            totals.add(view)
        if reason and reason != printed_reason and not live.console.is_terminal:
            live.console.print(Text(visible(f"{state}: {reason}")), soft_wrap=True)
        printed_reason = reason
        live.update(source_panel(name, view, state, reason, report), refresh=True)
        time.sleep(_POLL_S)


def source_panel(
    name: str, view: SourceView | None, state: str, reason: str, report: SourceReport | None
) -> RenderableType:
    """Return the state of the source, and its newest frame with its faces."""
    head = Text(visible(name), style="bold").append(f"  {state.replace('_', ' ')}", "not bold")
    if report is not None:
        head.append(f"  {report.fps:.0f} fps", "dim not bold")
    parts: list[RenderableType] = [head]
    parts += [Text(visible(reason), style="yellow")] if reason else []
    if view is None:
        return Group(*parts, Text("No frame in the last seconds.", style="dim"))
    age_s = (utc_now() - EPOCH - timedelta(microseconds=view.captured_at_us)).total_seconds()
    head.append(f"  {max(age_s, 0.0):.1f} s ago", "dim not bold")
    parts += [picture_text(view.picture)] if view.picture else []
    parts += [_face_line(reading) for reading in view.readings]
    if not view.readings:
        parts.append(Text("No face found.", style="dim"))
    return Group(*parts, Text("Press Ctrl-C to stop watching.", style="dim"))


def picture_text(jpeg: bytes) -> Text:
    """Return a JPEG as text: each character shows two pixels, one above the other."""
    picture = decode_picture(jpeg, cv2.IMREAD_COLOR_RGB)
    if picture is None:
        return Text()
    height, width = picture.shape[:2]
    rows = max(round(_COLUMNS * height / width / 2), 1)
    small = cv2.resize(picture, (_COLUMNS, 2 * rows), interpolation=cv2.INTER_AREA)
    text = Text(no_wrap=True)
    for row in range(rows):
        for upper, lower in zip(small[2 * row], small[2 * row + 1], strict=True):
            text.append("▀", Style(color=_colour(upper), bgcolor=_colour(lower)))
        text.append("\n" if row < rows - 1 else "")
    return text


def _colour(pixel: Any) -> Color:
    return Color.from_rgb(*(int(value) for value in pixel))


def _face_line(reading: FaceReading) -> Text:
    label = reading.emotion or UNCERTAIN
    line = Text(f"track {reading.track_id}: ", style="bold")
    line.append(f"{label} {reading.confidence:.0%} ", f"bold {COLOURS[label]}")
    for emotion, share in zip(EXPRESSIONS, reading.probabilities, strict=True):
        line.append("█" * round(_BAR_WIDTH * share), COLOURS[emotion])
    return line


def _print_summary(now: dict[str, Any], console: Console) -> None:
    state = now["state"].replace("_", " ")
    print_frame_counts(now, f"{now['name']} is {state}. Its run so far: ", "", console)
    print_chart(now["emotions"], console)
